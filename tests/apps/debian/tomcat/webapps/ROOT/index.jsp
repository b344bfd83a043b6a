<%@ page contentType="text/html; charset=utf-8" session="false" %><!doctype html>
<title>Ledger</title>
<p>All accounts are settled.</p>
