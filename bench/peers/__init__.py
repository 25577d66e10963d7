"""What one would pick instead of Charon, each as a competent person would write it, over the database of Charon.

`python -m bench.peers` compares, `python -m bench.peers.mix` asks for a mix of everything for a minute. The servers
(`fastapi_sqlalchemy`, `fastapi_asyncpg`, `django_bolt_app`, `ready_bytes`) run in an environment of their own,
`.venv/peers`, and import nothing of Charon.
"""
