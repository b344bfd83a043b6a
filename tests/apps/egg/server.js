// Egg in one process, so that a test owns exactly one. EGG_SERVER_ENV chooses the environment: local or prod.
'use strict';

const egg = require('egg');

egg.start({ baseDir: __dirname, mode: 'single' }).then(app => {
  app.listen(Number(process.env.PORT), '127.0.0.1');
});
