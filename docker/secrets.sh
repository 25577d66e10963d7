#!/bin/sh
# Give .env the secrets of docker-compose.yml that it lacks: each is appended once, lines that stand there are kept, and
# nobody else may read the file. A secret of the environment is left to it.
set -eu
umask 077
file="${1:-.env}"
touch "$file"
chmod 600 "$file"
# A last line without its end would swallow the first secret.
if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then echo >>"$file"; fi
for name in SECRET_KEY API_TOKEN DB_PASSWORD; do
    if printenv "$name" | grep -q . || grep -Eq "^[[:space:]]*(export )?$name[[:space:]]*=[[:space:]]*[\"']?[^\"'[:space:]]" "$file"; then
        continue
    fi
    echo "$name=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" >>"$file"
    echo "$name was made and stands in $file" >&2
done
