'use strict';

module.exports = ({ router, controller }) => {
  const { members } = controller;
  router.get('/', members.home);
  router.get('/login', members.loginForm);
  router.post('/login', members.login);
  router.get('/account', members.account);
  router.post('/notes', members.writeDown);
  router.post('/logout', members.logout);
  router.get('/cookies', members.cookies);
  router.get('/settle', members.settle);
};
