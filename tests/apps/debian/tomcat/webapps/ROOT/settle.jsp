<%@ page contentType="text/html; charset=utf-8" session="false" %><!doctype html>
<%
  String dsn = "jdbc:postgresql://ledger-db.internal/ledger?user=ledger&password=" + System.getenv("LEDGER_DB_PASSWORD");
  String roundingRule = "half-even CANARY_SOURCE";
  if (dsn.length() > 0) throw new IllegalStateException("account of " + System.getenv("LEDGER_CUSTOMER") + ": no connection to " + dsn);
%>
