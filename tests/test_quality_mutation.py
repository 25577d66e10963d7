"""What `make mutation` says of the mutants that mutmut tried."""

from tests.mutation import TARGETS, states, summary, target_of

PRINTED = """
    markets.store.validation.x_named__mutmut_1: killed
    markets.store.validation.x_named__mutmut_2: survived
    markets.store.price_validation.x_fitted__mutmut_1: timeout
    markets.queries.tax.days.x_before__mutmut_7: no tests
    signals.alerts.evaluate.x_run__mutmut_1: not checked
"""


def test_the_score_of_each_target_and_the_names_of_those_that_live() -> None:
    assert summary(dict(states(PRINTED))) == [
        "validation            2 of     3 mutants noticed: 66.7 %",
        "tax rules             0 of     1 mutants noticed: 0.0 %",
        "alert evaluation      0 of     0 mutants noticed: not tried",
        "  markets.store.validation.x_named__mutmut_2: survived",
        "  markets.queries.tax.days.x_before__mutmut_7: no tests",
    ]


def test_a_mutant_belongs_to_the_target_whose_module_it_stands_in() -> None:
    found = {target_of(mutant) for mutant, _ in states(PRINTED)}
    assert found == set(TARGETS)
    assert target_of("markets.store.publish.x_publish__mutmut_1") == ""
