"""Cuts the request bodies that tritgate sends out of GitHub's own description of its REST API.

Usage: python make_bodies.py FOLDER > bodies.json
FOLDER: the unpacked npm package @octokit/openapi (`npm pack @octokit/openapi@23.0.2`, MIT).
Prints JSON schemas (draft 4) without references, descriptions or examples; `nullable` of OpenAPI 3.0 becomes a type `null`.
"""

import json
import pathlib
import sys

BODIES = {
    "create-check-run": ("/repos/{owner}/{repo}/check-runs", "post"),
    "create-comment": ("/repos/{owner}/{repo}/issues/{issue_number}/comments", "post"),
    "update-check-run": ("/repos/{owner}/{repo}/check-runs/{check_run_id}", "patch"),
    "update-comment": ("/repos/{owner}/{repo}/issues/comments/{comment_id}", "patch"),
}
DROPPED = {"description", "example", "examples", "externalDocs", "nullable"}


def cut(schema, api):
    if isinstance(schema, list):
        return [cut(part, api) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found = api
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return cut(found, api)
    # A property may be called like a keyword: below `properties` every key is a name.
    out = {}
    for key, value in schema.items():
        if key == "properties":
            out[key] = {name: cut(property, api) for name, property in value.items()}
        elif key not in DROPPED and not key.startswith("x-"):
            out[key] = cut(value, api)
    if schema.get("nullable") and "type" in out:
        out["type"] = [out["type"], "null"]
    return out


def main(folder):
    folder = pathlib.Path(folder)
    package = json.loads((folder / "package.json").read_text())
    api = json.loads((folder / "generated" / "api.github.com.json").read_text())
    bodies = {}
    for name, (path, method) in BODIES.items():
        content = api["paths"][path][method]["requestBody"]["content"]
        bodies[name] = cut(content["application/json"]["schema"], api)
    source = f"npm {package['name']} {package['version']}, generated/api.github.com.json"
    json.dump({"source": source, "bodies": bodies}, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
