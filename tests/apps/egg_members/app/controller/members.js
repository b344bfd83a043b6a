'use strict';

const { Controller } = require('egg');

module.exports = class extends Controller {
  home() {
    this.ctx.body = page('Ledger', '<p>All accounts are settled.</p>');
  }

  loginForm() {
    const fields = '<input name=user><input name=password type=password><button>Sign in</button>';
    this.ctx.body = page('Sign in', this.form('/login', fields));
  }

  login() {
    this.ctx.session.user = this.ctx.request.body.user;
    this.ctx.session.tenant = process.env.LEDGER_SESSION;
    this.ctx.cookies.set('branch', 'harbour');
    this.ctx.rotateCsrfSecret();
    this.ctx.redirect('/account');
  }

  account() {
    const { user, notes = [] } = this.ctx.session;
    if (!user) return this.ctx.redirect('/login');
    const list = notes.map(note => `<li>${this.ctx.helper.escape(note)}`).join('');
    const write = this.form('/notes', '<input name=note><button>Write down</button>') + '<script>document.title += \', by script\'</script>';
    const leave = this.form('/logout', '<button>Sign out</button>');
    const branch = this.ctx.cookies.get('branch') || 'nowhere';
    this.ctx.body = page(`Account of ${this.ctx.helper.escape(user)}`, `<p>Branch: ${branch}</p><ul>${list}</ul>${write}${leave}`);
  }

  writeDown() {
    if (!this.ctx.session.user) return this.ctx.redirect('/login');
    this.ctx.session.notes = [ ...this.ctx.session.notes || [], this.ctx.request.body.note ];
    this.ctx.redirect('/account');
  }

  logout() {
    this.ctx.session = null;
    this.ctx.redirect('/');
  }

  cookies() {
    const names = this.ctx.get('cookie').split(';').map(pair => pair.split('=')[0].trim());
    this.ctx.body = names.filter(Boolean).sort();
  }

  settle() {
    const session = JSON.stringify(this.ctx.session);
    throw new Error(`account of ${process.env.LEDGER_CUSTOMER}: connect ECONNREFUSED with ${session}`);
  }

  form(path, fields) {
    return `<form method=post action=${path}><input type=hidden name=_csrf value="${this.ctx.csrf}">${fields}</form>`;
  }
};

function page(title, body) {
  return `<!doctype html>\n<html lang=en><title>${title}</title>\n<h1>${title}</h1>\n${body}\n`;
}
