"""Cuts what tritgate sends to GitHub, and what it reads of the answers, out of GitHub's own description of its REST API.

Usage: python cut.py PART FOLDER > PART.json
PART: `bodies`, the request bodies; `requests`, the operations as OpenAPI, for a server that holds requests to them; `examples`,
one answer of each kind that is read.
FOLDER: the unpacked npm package @octokit/openapi (`npm pack @octokit/openapi@23.0.2`, MIT).
Bodies are JSON schemas (draft 4) without references; `nullable` of OpenAPI 3.0 becomes a type `null`. Descriptions are dropped
everywhere, and answers from the operations, but for their status.
"""

import json
import pathlib
import sys

REPO = "/repos/{owner}/{repo}"
BODIES = {
    "create-check-run": (REPO + "/check-runs", "post"),
    "create-comment": (REPO + "/issues/{issue_number}/comments", "post"),
    "update-check-run": (REPO + "/check-runs/{check_run_id}", "patch"),
    "update-comment": (REPO + "/issues/comments/{comment_id}", "patch"),
}
REQUESTS = [
    (REPO + "/actions/artifacts/{artifact_id}/{archive_format}", "get"),
    (REPO + "/actions/runs/{run_id}/artifacts", "get"),
    (REPO + "/check-runs", "post"),
    (REPO + "/commits/{ref}/check-runs", "get"),
    (REPO + "/compare/{basehead}", "get"),
    (REPO + "/contents/{path}", "get"),
    (REPO + "/issues/comments/{comment_id}", "patch"),
    (REPO + "/issues/{issue_number}/comments", "get"),
    (REPO + "/issues/{issue_number}/comments", "post"),
    (REPO + "/pulls", "get"),
    (REPO + "/pulls/{pull_number}", "get"),
]
# Name of the kind: the operation, and the way to one entry of its answer.
EXAMPLES = {
    "artifact": (REPO + "/actions/runs/{run_id}/artifacts", "get", "200", ["artifacts", 0]),
    "check-run": (REPO + "/check-runs", "post", "201", []),
    "comment": (REPO + "/issues/{issue_number}/comments", "get", "200", [0]),
    "comparison": (REPO + "/compare/{basehead}", "get", "200", []),
    "pull": (REPO + "/pulls", "get", "200", [0]),
}
DROPPED = {"description", "example", "examples", "externalDocs", "summary"}


def find(ref, api):
    found = api
    for step in ref.removeprefix("#/").split("/"):
        found = found[step]
    return found


def cut(schema, api, nullable_as_type):
    if isinstance(schema, list):
        return [cut(part, api, nullable_as_type) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return cut(find(schema["$ref"], api), api, nullable_as_type)
    # A property may be called like a keyword: below `properties` every key is a name.
    out = {}
    for key, value in schema.items():
        if key == "properties":
            inner = value.items()
            out[key] = {name: cut(one, api, nullable_as_type) for name, one in inner}
        elif key == "nullable" and nullable_as_type:
            continue
        elif key not in DROPPED and not key.startswith("x-"):
            out[key] = cut(value, api, nullable_as_type)
    if nullable_as_type and schema.get("nullable") and "type" in out:
        out["type"] = [out["type"], "null"]
    return out


def bodies(api):
    out = {}
    for name, (path, method) in BODIES.items():
        content = api["paths"][path][method]["requestBody"]["content"]
        out[name] = cut(content["application/json"]["schema"], api, True)
    return {"bodies": out}


def requests(api):
    paths = {}
    for path, method in REQUESTS:
        operation = api["paths"][path][method]
        done = next(status for status in operation["responses"] if status in ("200", "201", "302"))
        kept = {
            "operationId": operation["operationId"],
            "parameters": cut(operation.get("parameters", []), api, False),
            "responses": {done: {"description": "-"}},
        }
        if "requestBody" in operation:
            kept["requestBody"] = cut(operation["requestBody"], api, False)
        paths.setdefault(path, {})[method] = kept
    info = {"title": api["info"]["title"], "version": api["info"]["version"]}
    return {"openapi": api["openapi"], "info": info, "paths": paths}


def examples(api):
    out = {}
    for name, (path, method, status, way) in EXAMPLES.items():
        content = api["paths"][path][method]["responses"][status]["content"]
        example = next(iter(content["application/json"]["examples"].values()))
        found = (find(example["$ref"], api) if "$ref" in example else example)["value"]
        for step in way:
            found = found[step]
        out[name] = found
    return {"examples": out}


def main(part, folder):
    folder = pathlib.Path(folder)
    package = json.loads((folder / "package.json").read_text())
    api = json.loads((folder / "generated" / "api.github.com.json").read_text())
    out = {"bodies": bodies, "requests": requests, "examples": examples}[part](api)
    source = f"npm {package['name']} {package['version']}, generated/api.github.com.json"
    key = "x-source" if part == "requests" else "source"
    json.dump({key: source, **out}, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
