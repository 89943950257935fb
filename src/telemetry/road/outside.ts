/**
 * Runs a function outside of every asynchronous context of the application: in the one in which this module was loaded, before
 * the application. Timers and batches are begun by the application's work, and would carry its contexts into the calls that send
 * telemetry: an agent of another vendor would count these as calls of the request.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export const outside: <R, A extends unknown[]>(run: (...args: A) => R, ...args: A) => R = AsyncLocalStorage.snapshot();
