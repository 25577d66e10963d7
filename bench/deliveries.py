"""Benchmark of the deliveries: the rows of 1,000 events for three channels, and 300 messages to a receiver; CPU time.

Beside the sending task the plain way: one httpx client that posts the same signed bodies one after the other, with one
INSERT and one UPDATE each. It claims nothing, groups nothing and loses what it holds when it is killed. The receiver is
a process of its own, and PostgreSQL's work is not counted. Median of three rounds, each with rows of its own.
"""

import json
from textwrap import dedent

from bench.measure import installation, postgres, replica, run

MEASURE = """
    import django
    django.setup()
    import json, os, statistics, time
    from datetime import timedelta
    from decimal import Decimal
    from uuid import uuid4
    import httpx
    from django.db import transaction
    from markets import clock
    from markets.models import Source
    from signals.alerts.channels import webhook
    from signals.alerts.channels.channel import Message
    from signals.alerts.deliver import message, route, tasks
    from signals.alerts.deliver.seal import seal
    from signals.alerts.models import AlertEvent, AlertNumber, Attempt, Channel, Delivery
    from tests.replica.receiver import SECRET

    EVENTS, MESSAGES, ROUNDS = 1_000, 300, 3
    config = {"url": os.environ["BENCH_RECEIVER"] + "hook/ok", "secret": SECRET}
    now, source = clock.now(), Source.objects.get(code="deribit")
    channels = Channel.objects.bulk_create(
        [Channel(name=f"c{n}", kind="webhook", sealed=seal(config), created_at=now) for n in range(3)]
    )

    def rows_of_events():
        numbers = AlertNumber.objects.bulk_create([AlertNumber() for _ in range(EVENTS)])
        events = [
            AlertEvent(
                id=number.pk, key=f"{number.pk}", rule_number=1 + number.pk % 50, kind="move", source=source,
                subject="BTCUSD", observed_at=now, created_at=now, window_minutes=60, threshold_pct=Decimal(5),
                change_pct=Decimal("5.1"), direction="up", price=Decimal(100), details={"low": "95", "high": "100"},
            )
            for number in numbers
        ]
        AlertEvent.objects.bulk_create(events)
        started = time.process_time()
        with transaction.atomic():
            route.fired(events)
        took = time.process_time() - started
        made = Delivery.objects.count()
        Delivery.objects.all().delete()
        return took, made

    def waiting():
        return Delivery.objects.bulk_create(
            [
                Delivery(key=uuid4(), channel=channels[n % 3], step="test", due_at=clock.now(), created_at=clock.now())
                for n in range(MESSAGES)
            ]
        )

    def ours():
        waiting()
        started = time.process_time()
        while Delivery.objects.filter(state__in=Delivery.OPEN).exists():
            tasks.send_due()
        took = time.process_time() - started
        assert Delivery.objects.filter(state="sent").count() == MESSAGES
        Delivery.objects.all().delete()
        return took

    def plain():
        rows = waiting()
        started = time.process_time()
        with httpx.Client() as client:
            for row in rows:
                built = message.build([row], row.channel)
                body, sent_at = webhook.body_of(built), str(int(time.time()))
                signed = webhook.signature(webhook.key_of(SECRET), str(row.key), sent_at, body)
                headers = {"webhook-id": str(row.key), "webhook-timestamp": sent_at, "webhook-signature": signed}
                begun = clock.now()
                answer = client.post(config["url"], content=body, headers=headers)
                answer.raise_for_status()
                Attempt.objects.create(delivery=row, number=1, started_at=begun, milliseconds=1, ok=True)
                Delivery.objects.filter(pk=row.pk).update(state="sent", sent_at=clock.now())
        took = time.process_time() - started
        Delivery.objects.all().delete()
        return took

    made = [rows_of_events() for _ in range(ROUNDS)]
    pairs = [(ours(), plain()) for _ in range(ROUNDS)]
    print(json.dumps({
        "rows": made[0][1], "writing": statistics.median(took for took, _ in made),
        "ours": statistics.median(one for one, _ in pairs) / MESSAGES,
        "plain": statistics.median(other for _, other in pairs) / MESSAGES,
        "ratio": statistics.median(one / other for one, other in pairs),
    }))
"""


def measured(name: str, environment: dict[str, str], receiver: str) -> None:
    own = {"BENCH_RECEIVER": receiver, "CHANNEL_ALLOWED_HOSTS": "127.0.0.1"}
    found = json.loads(run(["-c", dedent(MEASURE)], environment | own).output)
    print(
        f"  {name:11} {found['writing']:.3f} s for {found['rows']} deliveries of 1,000 events;"
        f" sending {1000 * found['ours']:.2f} ms a message, the plain way {1000 * found['plain']:.2f}"
        f" ({found['ratio']:.2f} times)"
    )


def main() -> None:
    print("deliveries: 1,000 events for 3 channels, 300 messages, CPU time")
    with replica(0.0, "receiver") as receiver:
        with installation(DJANGO_SETTINGS_MODULE="charon.settings") as environment:
            measured("SQLite", environment, receiver)
        with (
            postgres() as url,
            installation(DJANGO_SETTINGS_MODULE="charon.settings", DATABASE_URL=url) as environment,
        ):
            measured("PostgreSQL", environment, receiver)


if __name__ == "__main__":
    main()
