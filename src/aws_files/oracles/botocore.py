# What botocore, and so the AWS CLI, reads in pairs of files: <directory>/<number>-config and <number>-credentials.
# For each pair, prints one line of JSON: both files by themselves, null if it refuses one, and both together.
import json
import sys

import botocore.exceptions
import botocore.session
from botocore.configloader import load_config, raw_config_parse


def flat(sections):
    return {name: {key: list(map(list, value.items())) if isinstance(value, dict) else value
                   for key, value in keys.items()}
            for name, keys in sections.items()}


def alone(read):
    try:
        return {kind: flat(sections) for kind, sections in read().items()}
    except botocore.exceptions.ConfigParseError:
        return None


def config(path):
    parsed = load_config(path)
    return {kind: parsed[kind] for kind in ("profiles", "services", "sso_sessions")}


# A new session for each pair would take 25 ms.
session = botocore.session.Session()


def together(config_path, credentials_path):
    session._config = None
    session.set_config_variable("config_file", config_path)
    session.set_config_variable("credentials_file", credentials_path)
    return {"profiles": session.full_config["profiles"]}


for number in range(int(sys.argv[2])):
    paths = [f"{sys.argv[1]}/{number}-{name}" for name in ("config", "credentials")]
    answers = [alone(lambda: config(paths[0])), alone(lambda: {"profiles": raw_config_parse(paths[1])})]
    answers.append(None if None in answers else alone(lambda: together(*paths)))
    print(json.dumps(answers))
