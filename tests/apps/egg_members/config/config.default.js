'use strict';

// Sessions and csrf are as Egg has them by itself.
module.exports = () => ({
  keys: process.env.LEDGER_SIGNING_KEY,
  proxy: true,
  logger: { consoleLevel: 'ERROR' },
});
