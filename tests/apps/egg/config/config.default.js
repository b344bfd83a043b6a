'use strict';

module.exports = () => ({
  keys: process.env.LEDGER_SIGNING_KEY || 'settings-CANARY_CONFIG',
  logger: { consoleLevel: 'ERROR' },
  security: { csrf: { enable: false } },
  ledger: { database: `mysql://ledger:${process.env.LEDGER_DB_PASSWORD}@ledger-db.internal/ledger` },
});
