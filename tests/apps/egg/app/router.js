'use strict';

module.exports = ({ router, controller }) => {
  const { ledger } = controller;
  router.get('/', ledger.home);
  router.get('/api/health', ledger.health);
  router.get('/api/missing', ledger.missing);
  router.post('/login', ledger.login);
  router.get('/settle', ledger.settle);
  router.get('/session', ledger.session);
  router.get('/environment', ledger.environment);
  router.get('/api/settle', ledger.apiSettle);
};
