// What Egg itself makes of a key: a session of its own, or what is in one.
//
//   egg_cookies.js make KEY NAME USER    prints a cookie's value
//   egg_cookies.js read KEY NAME VALUE   prints what is in it; fails where the key does not fit
'use strict';

const Keygrip = require('egg-cookies/lib/keygrip');
const sessions = require('koa-session/lib/util');
const utility = require('utility');

const [ action, key, , word ] = process.argv.slice(2);
const keys = new Keygrip([ key ]);
const day = 24 * 3600 * 1000;
if (action === 'make') {
  const session = sessions.encode({ user: word, _expire: Date.now() + day, _maxAge: day });
  console.log(utility.base64encode(keys.encrypt(session), true));
} else {
  const opened = keys.decrypt(utility.base64decode(word, true, 'buffer'));
  if (!opened) process.exit(1);
  console.log(JSON.stringify(sessions.decode(opened.value.toString())));
}
