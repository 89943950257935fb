/**
 * Replacing the program while it serves. On SIGUSR2 the process starts the program on disk once more as a child and gives it
 * its listening sockets; when the child serves, the old balancer takes no new connection and ends with those it has. The
 * first process stays as their parent, so that its pid, which systemd and containers know, stays valid: it passes signals on
 * and ends with the exit code of the child. The next replacement goes the same way, with the child's sockets.
 */
import { fork, type ChildProcess } from 'node:child_process';
import type { Server } from 'node:net';
import type { Logger } from '../../base/logger.ts';
import type { HandedSockets } from '../../stack/balancer/tls/bind.ts';

/** Set for a process that takes over. */
const MARK = 'VITRINE_TAKES_OVER';
type SocketName = 'plain' | 'secure';

type ToParent =
  | { readonly kind: 'serving' | 'let_go' }
  | { readonly kind: 'wanted' | 'socket' | 'no_socket'; readonly name: SocketName };
type ToChild =
  | { readonly kind: 'give'; readonly name: SocketName }
  | { readonly kind: 'socket' | 'no_socket'; readonly name: SocketName }
  | { readonly kind: 'leave' | 'alone' };

export interface Serving {
  /** The servers that listen. */
  readonly sockets: () => { readonly plain: Server; readonly secure: Server | undefined };
  /** Releases the resources that only one process can have. */
  letGo(): void;
  /** Takes no new connection and resolves when the last one has ended. */
  leave(): Promise<void>;
  /** Called when the old process has released the resources that only one process can have. */
  alone(): Promise<void>;
}

export const takesOver = (env: NodeJS.ProcessEnv): boolean => env[MARK] === '1' && process.send !== undefined;

/** The listening sockets of the process before this one, one after the other. */
export const handedSockets: HandedSockets = {
  take(name, use) {
    const heard = (message: ToChild, handle?: Server): void => {
      if ((message.kind !== 'socket' && message.kind !== 'no_socket') || message.name !== name) return;
      process.off('message', heard);
      use(handle);
    };
    process.on('message', heard);
    say({ kind: 'wanted', name });
  },
};

function say(message: ToParent, handle?: Server): void {
  process.send?.(message, handle);
}

/** In the process that serves: the first one, or one that replaced it. */
export class Replacement {
  readonly #serving: Serving;
  readonly #log: Logger;
  /** Serves now instead of this process. */
  #current: ChildProcess | undefined;
  #coming: ChildProcess | undefined;
  #gone: (code: number) => void = () => {};
  /** Resolves with the exit code of the process that serves, when that is no longer this one and it has ended. */
  readonly ended = new Promise<number>((resolve) => {
    this.#gone = resolve;
  });

  constructor(serving: Serving, log: Logger) {
    this.#serving = serving;
    this.#log = log;
  }

  /** Answers a parent that replaces this process. */
  listen(): void {
    process.on('message', (message: ToChild) => {
      if (message.kind === 'give') {
        const socket = this.#serving.sockets()[message.name];
        say({ kind: socket === undefined ? 'no_socket' : 'socket', name: message.name }, socket);
      } else if (message.kind === 'leave') {
        this.#serving.letGo();
        say({ kind: 'let_go' });
        void this.#serving.leave().then(() => process.exit(0));
      } else if (message.kind === 'alone') void this.#alone();
    });
    say({ kind: 'serving' });
  }

  async #alone(): Promise<void> {
    try {
      await this.#serving.alone();
    } catch (error) {
      this.#log.error({ err: error }, 'the control socket is not open');
    }
  }

  /** Whether a child serves, which then gets the signals. */
  forward(signal: NodeJS.Signals): boolean {
    return this.#current?.kill(signal) ?? false;
  }

  /** Starts the program on disk and gives the service over to it. If the program cannot start, nothing changes. */
  replace(): void {
    if (this.#coming !== undefined) return;
    const child = fork(process.argv[1], process.argv.slice(2), { env: { ...process.env, [MARK]: '1' } });
    this.#coming = child;
    this.#log.info({ pid: child.pid }, 'replacing this process');
    child.on('message', (message: ToParent) => this.#heard(child, message));
    child.on('exit', (code, signal) => {
      if (this.#coming === child) {
        this.#coming = undefined;
        this.#log.error({ code, signal }, 'the replacement did not start; the old process goes on');
      } else if (this.#current === child) this.#gone(code ?? 1);
    });
  }

  #heard(child: ChildProcess, message: ToParent): void {
    if (message.kind === 'wanted') this.#give(child, message.name);
    else if (message.kind === 'serving') this.#served(child);
  }

  #give(child: ChildProcess, name: SocketName): void {
    const tell = (message: ToChild, handle?: Server): void => void child.send(message, handle);
    const old = this.#current;
    if (old === undefined) {
      const socket = this.#serving.sockets()[name];
      tell({ kind: socket === undefined ? 'no_socket' : 'socket', name }, socket);
      return;
    }
    const passed = (message: ToParent, handle?: Server): void => {
      if ((message.kind !== 'socket' && message.kind !== 'no_socket') || message.name !== name) return;
      old.off('message', passed);
      tell(message as ToChild, handle);
      // Closed in this turn of the event loop, because the handle must not accept a connection in this process.
      handle?.close();
    };
    old.on('message', passed);
    old.send({ kind: 'give', name } satisfies ToChild);
  }

  #served(child: ChildProcess): void {
    const old = this.#current;
    this.#coming = undefined;
    this.#current = child;
    this.#log.info({ pid: child.pid }, 'the replacement serves');
    const alone = (): void => void child.send({ kind: 'alone' } satisfies ToChild);
    if (old === undefined) {
      this.#serving.letGo();
      void this.#serving.leave();
      alone();
      return;
    }
    old.on('message', (message: ToParent) => {
      if (message.kind === 'let_go') alone();
    });
    old.send({ kind: 'leave' } satisfies ToChild);
  }
}
