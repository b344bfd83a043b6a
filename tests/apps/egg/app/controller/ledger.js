'use strict';

const { Controller } = require('egg');

module.exports = class extends Controller {
  home() {
    this.ctx.body = '<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n';
  }

  health() {
    this.ctx.body = { status: 'ok', accounts: [{ id: 1, balance: '12.50' }] };
  }

  missing() {
    this.ctx.status = 404;
    this.ctx.body = { error: 'account not found', code: 'ACCOUNT_NOT_FOUND' };
  }

  login() {
    this.ctx.session.tenant = process.env.LEDGER_SESSION;
    this.ctx.body = '<!doctype html>\n<p>Welcome.</p>\n';
  }

  settle() {
    const roundingRule = 'half-even CANARY_SOURCE';
    throw new Error(`account of ${process.env.LEDGER_CUSTOMER}: connect ECONNREFUSED ${this.config.ledger.database} ${roundingRule.length}`);
  }

  session() {
    throw new TypeError(`no ledger for session ${JSON.stringify(this.ctx.session)}`);
  }

  environment() {
    this.ctx.body = process.env;
  }

  apiSettle() {
    try {
      this.settle();
    } catch (error) {
      this.ctx.status = 200;
      this.ctx.body = { success: false, message: error.message, stack: error.stack };
    }
  }
};
