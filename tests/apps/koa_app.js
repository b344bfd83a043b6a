// The ledger on Koa with koa-onerror, which shows message and stack outside production.
'use strict';

const Koa = require('koa');
const { onerror } = require('koa-onerror');

const app = new Koa();
onerror(app);
app.silent = true;
const database = `mysql://ledger:${process.env.LEDGER_DB_PASSWORD}@ledger-db.internal/ledger`;

const pages = {
  '/': ctx => { ctx.body = '<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n'; },
  '/api/health': ctx => { ctx.body = { status: 'ok', accounts: [{ id: 1, balance: '12.50' }] }; },
  '/settle': () => { throw new Error(`connect ECONNREFUSED ${database}`); },
  '/environment': ctx => { ctx.body = process.env; },
};

app.use(ctx => {
  const page = pages[ctx.path];
  if (page) page(ctx);
});

app.listen(Number(process.env.PORT), '127.0.0.1');
