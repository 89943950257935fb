require('reflect-metadata');
const { Controller, Get, Module, Param, Logger } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const decorate = (target, key, decorators, parameters = []) => {
  for (const each of decorators) each(target, key, Object.getOwnPropertyDescriptor(target, key));
  parameters.forEach((each, at) => each(target, key, at));
};
class Users {
  fail() {
    throw new RangeError('boom');
  }
  one(id) {
    new Logger('Users').warn(`looked up ${id}`);
    return id;
  }
}
Controller('users')(Users);
decorate(Users.prototype, 'fail', [Get('fail')]);
decorate(Users.prototype, 'one', [Get(':id')], [Param('id')]);
const App = function App() {};
Module({ controllers: [Users] })(App);
module.exports = {
  async serve(port, ready) {
    const app = await NestFactory.create(App, { logger: ['warn'] });
    await app.listen(port, '127.0.0.1');
    ready.call(app.getHttpServer());
  },
};
