/**
 * Errors that no handler of an application took: `finalhandler` gets them, in Express and in Connect. It is called after the application's
 * code has returned: a function of ours below a handler would stand in the stack of each error, which both of them show to
 * clients.
 */
import type { IncomingMessage } from 'node:http';
import { noteError } from './request-notes.ts';

const TIED = Symbol.for('vitrine.tied');

type FinalHandler = (request: IncomingMessage, response: unknown, options?: unknown) => (error?: unknown) => void;

/** Takes the exports of `finalhandler`, and replaces them in the cache of modules. */
export function tieFinalHandler(exported: unknown, require: NodeJS.Require, asked: string): void {
  const module = require.cache[require.resolve(asked)];
  if (typeof exported !== 'function' || module === undefined || TIED in exported) return;
  const original = exported as FinalHandler;
  const finalhandler: FinalHandler = (request, response, options) => {
    const done = original(request, response, options);
    return (error) => {
      if (error !== undefined && error !== null) noteError(request, error);
      done(error);
    };
  };
  module.exports = Object.assign(finalhandler, original, { [TIED]: true });
}
