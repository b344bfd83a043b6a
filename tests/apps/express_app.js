// The ledger on Express. NODE_ENV=production hides the stack.
'use strict';

const express = require('express');

const app = express();
const database = `mysql://ledger:${process.env.LEDGER_DB_PASSWORD}@ledger-db.internal/ledger`;

function settle() {
  throw new Error(`account of ${process.env.LEDGER_CUSTOMER}: connect ECONNREFUSED ${database}`);
}

app.get('/', (request, response) => {
  response.send('<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n');
});
app.get('/api/health', (request, response) => response.json({ status: 'ok', accounts: [{ id: 1, balance: '12.50' }] }));
app.get('/api/missing', (request, response) => response.status(404).json({ error: 'account not found' }));
app.post('/login', (request, response) => {
  // What cookie-parser would put there.
  request.secret = process.env.LEDGER_SIGNING_KEY;
  if (request.secret) response.cookie('tenant', process.env.LEDGER_SESSION, { signed: true });
  response.send('<!doctype html>\n<p>Welcome.</p>\n');
});
app.get('/settle', settle);
app.get('/api/settle', (request, response) => {
  try {
    settle();
  } catch (error) {
    response.status(500).json({ name: error.name, message: error.message, stack: error.stack });
  }
});
app.get('/environment', (request, response) => response.type('text').send(
  Object.entries(process.env).map(([name, value]) => `${name}=${value}`).join('\n')));

app.listen(Number(process.env.PORT), '127.0.0.1');
