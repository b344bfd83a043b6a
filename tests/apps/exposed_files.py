"""A static server that was pointed at the application's own folder: every file in it under its own name, and once more
under a number, where no list of names helps."""

import base64
import functools
import http.server
import os
import pathlib
import textwrap

MARK = "CANARY_CONFIG"
PASSWORD = os.environ["LEDGER_DB_PASSWORD"]


def armoured(label):
    """A key in PEM whose lines are random but for the mark, which base64 carries as it is."""
    lines = textwrap.wrap(base64.b64encode(b"openssh-key-v1\0" + os.urandom(300)).decode(), 64)
    lines[2] = (MARK + lines[2])[:64]
    return f"-----BEGIN {label}-----\n" + "\n".join(lines) + f"\n-----END {label}-----\n"


FILES = {
    ".env": f"APP_ENV=production\nDB_HOST=db7.shop\nDB_PASSWORD={PASSWORD}\nAPP_KEY=base64:{MARK}\n",
    ".git/config": f'[core]\n\trepositoryformatversion = 0\n\tbare = false\n[remote "origin"]\n\turl = https://deploy:{MARK}@git.shop.internal/shop.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n',
    "config/database.yml": f"production:\n  adapter: postgresql\n  host: db7.shop\n  username: shop\n  password: {PASSWORD}\n",
    "config/secrets.yml": f"production:\n  secret_key_base: {MARK}{MARK}{MARK}\n",
    "wp-config.php": f"<?php\ndefine( 'DB_NAME', 'shop' );\ndefine( 'DB_USER', 'shop' );\ndefine( 'DB_PASSWORD', '{PASSWORD}' );\ndefine( 'AUTH_KEY', '{MARK}' );\n$table_prefix = 'wp_';\n",
    "kubeconfig": f"apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: https://10.0.0.1:6443\n  name: shop\nusers:\n- name: admin\n  user:\n    token: {MARK}{MARK}\n",
    "terraform.tfstate": f'{{"version": 4, "terraform_version": "1.9.2", "serial": 7, "lineage": "x", "outputs": {{}}, "resources": [{{"type": "aws_db_instance", "instances": [{{"attributes": {{"password": "{PASSWORD}"}}}}]}}]}}\n',
    ".ssh/id_rsa": armoured("OPENSSH PRIVATE KEY"),
    "dump.sql": f"-- MySQL dump 10.13  Distrib 8.0.36\n--\n-- Host: db7.shop    Database: shop\n\nDROP TABLE IF EXISTS `users`;\nCREATE TABLE `users` (`id` int NOT NULL, `hash` varchar(60));\nINSERT INTO `users` VALUES (1,'{MARK}');\n",
    "app.py": f'import os\nfrom flask import Flask\n\napp = Flask(__name__)\napp.secret_key = "{MARK}"\n\n\n@app.get("/")\ndef index():\n    return "ok"\n',
    "server.js": f"const express = require('express');\nconst app = express();\nconst key = '{MARK}';\napp.listen(3000);\n",
    "index.php.bak": f"<?php\nrequire 'vendor/autoload.php';\n$db = new PDO('mysql:host=db7.shop', 'shop', '{PASSWORD}');\necho $db->query('SELECT 1')->fetchColumn();\n",
    "appsettings.json": f'{{\n  "ConnectionStrings": {{\n    "Default": "Server=db7.shop;Database=shop;User Id=shop;Password={PASSWORD};"\n  }},\n  "Logging": {{"LogLevel": {{"Default": "Information"}}}}\n}}\n',
    "application.properties": f"spring.datasource.url=jdbc:postgresql://db7.shop/shop\nspring.datasource.username=shop\nspring.datasource.password={PASSWORD}\n",
    ".aws/credentials": f"[default]\naws_access_key_id = AKIA2E0A8F3B244C9986\naws_secret_access_key = {MARK}{MARK}\n",
    ".npmrc": f"//registry.npmjs.org/:_authToken=npm_{MARK}{MARK}\n",
    ".htpasswd": f"admin:$apr1$Q7w8e9r0${MARK}ab\n",
}


def main():
    root = pathlib.Path("public")
    for number, (name, content) in enumerate(FILES.items()):
        for place in (root / name, root / "numbered" / str(number)):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
    (root / "index.html").write_text("<!doctype html><title>Ledger</title><h1>Ledger</h1>")
    (root / "style.css").write_text("h1 { color: #333 }\n")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(root))
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), handler).serve_forever()


main()
