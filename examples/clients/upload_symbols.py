#!/usr/bin/env python3
"""Uploads PDBs, EXEs, DLLs and minidumps to a chs server, for CI pipelines. Needs `requests`.

    CHS_API_KEY=... python3 upload_symbols.py http://127.0.0.1:3000 build/app.pdb build/app.exe

The server may be named with `/api` at its end or without. The kind of a file is known by its extension; version, GUID and age are read from the file by the server.
Exit code: 0 all are stored, 1 any was refused.
"""

import json
import os
import sys

import requests

# Connecting may take so many seconds, and so many may pass without any answer.
TIMEOUT_SECONDS = (10, 300)


def upload_pdb_to_server(pdb_path, exe_version, exe_guid, exe_age, pdb_filename, server_url, api_key):
    """Uploads a PDB; what is None is left to the server, which reads GUID and age from the file."""
    metadata = {
        "exe_version": exe_version,
        "exe_guid": exe_guid,
        "exe_age": exe_age,
        "pdb_filename": pdb_filename,
    }
    return _upload("pdb", pdb_path, pdb_filename, metadata, server_url, api_key)


def upload_exe_to_server(exe_path, exe_version, exe_guid, exe_filename, server_url, api_key):
    """Uploads an EXE or a DLL; what is None is left to the server."""
    metadata = {
        "exe_version": exe_version,
        "exe_guid": exe_guid,
        "exe_filename": exe_filename,
    }
    return _upload("exe", exe_path, exe_filename, metadata, server_url, api_key)


def upload_minidump_to_server(dump_path, server_url, api_key, annotations=None):
    """Uploads a minidump, with texts by name that are to be kept beside it."""
    metadata = {"annotations": annotations} if annotations else {}
    return _upload("minidump", dump_path, os.path.basename(dump_path), metadata, server_url, api_key)


def _upload(kind, path, file_name, metadata, server_url, api_key):
    """Sends one file as multipart/form-data and gives the server's reply, `{"success": ..., ...}`."""
    known = {name: value for name, value in metadata.items() if value is not None}
    with open(path, "rb") as file:
        files = {
            "metadata": (None, json.dumps(known), "application/json"),
            kind: (file_name or os.path.basename(path), file, "application/octet-stream"),
        }
        response = requests.post(
            f"{server_url.rstrip('/')}/upload/{kind}",
            files=files,
            headers={"X-API-Key": api_key},
            timeout=TIMEOUT_SECONDS,
        )
    return response.json()


def _upload_by_extension(path, server_url, api_key):
    name = os.path.basename(path)
    extension = os.path.splitext(name)[1].lower()
    if extension in (".pdb", ".pd_"):
        return upload_pdb_to_server(path, None, None, None, name, server_url, api_key)
    if extension in (".dmp", ".mdmp"):
        return upload_minidump_to_server(path, server_url, api_key)
    return upload_exe_to_server(path, None, None, name, server_url, api_key)


def main(arguments):
    if len(arguments) < 2:
        print("usage: upload_symbols.py SERVER FILE...", file=sys.stderr)
        return 64
    server_url, *paths = arguments
    api_key = os.environ.get("CHS_API_KEY", "")
    refused = 0
    for path in paths:
        try:
            reply = _upload_by_extension(path, server_url, api_key)
        except (OSError, ValueError) as error:  # requests' own failures are OSErrors
            reply = {"success": False, "error": str(error)}
        if reply.get("success"):
            print(f"{path}: stored as {reply['data']['file_path']}")
            for warning in reply["data"].get("warnings", []):
                print(f"{path}: {warning}", file=sys.stderr)
        else:
            refused += 1
            print(f"{path}: {reply.get('error', 'refused')}", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
