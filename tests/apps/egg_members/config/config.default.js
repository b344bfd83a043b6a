'use strict';

// Sessions and csrf are as Egg has them by itself.
module.exports = () => ({
  keys: process.env.LEDGER_SIGNING_KEY,
  logger: { consoleLevel: 'ERROR' },
});
