/**
 * Tries a channel or a template that stands in no configuration yet. The author is whoever calls the API, so a channel here
 * reaches no private address, reads no file and starts no program; nothing of it is kept.
 */
import { VitrineError } from '../../../base/errors.ts';
import { TemplateError } from '../rules/template/tree.ts';
import { integrationOf } from './assemble.ts';
import type { Channel } from './deliveries.ts';
import type { Notification } from './notification.ts';
import type { ReceiverKind, ReceiverTools } from './receivers/kind.ts';

/** Kinds that start a program or write into our own log come from the file alone. */
const OF_FILES = new Set(['plugin', 'console']);
/** Trials at once: each holds a connection for up to ten seconds. */
const AT_ONCE = 4;

export class Trials {
  readonly #kinds: readonly ReceiverKind[];
  /** Of the configuration that is in force. */
  readonly #tools: () => ReceiverTools;
  #running = 0;

  /** `tools` must go out on behalf of the API. */
  constructor(kinds: readonly ReceiverKind[], tools: () => ReceiverTools) {
    this.#kinds = kinds.filter(({ name }) => !OF_FILES.has(name));
    this.#tools = tools;
  }

  /** `name` is the key of Alertmanager's file (`slack_configs`), or the kind (`slack`). Throws VitrineError `bad_request`. */
  channel(name: string, entry: unknown): Channel {
    const kind = this.#kinds.find((one) => one.name === name || one.key === name);
    if (kind === undefined) {
      throw new VitrineError('bad_request', `kind: ${JSON.stringify(name)} cannot be tried here.`, {
        hint: `Known are ${this.#kinds.map((one) => one.name).join(', ')}.`,
      });
    }
    const issues: string[] = [];
    const [integration] = integrationOf(kind, entry, 0, 'entry', issues);
    if (integration === undefined) throw new VitrineError('bad_request', issues.join('\n'));
    return { ...integration, receiver: kind.create(integration.entry, withoutFiles(this.#tools())) };
  }

  /** Throws VitrineError `bad_request` for a mistake in the template. */
  async template(text: string, about: Notification): Promise<string> {
    try {
      return await this.#tools().render(text, about);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new VitrineError('bad_request', `template: ${error.message}`);
    }
  }

  /** Throws VitrineError `too_many_requests`. */
  async one<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE) {
      throw new VitrineError('too_many_requests', `${AT_ONCE} channels are being tried already.`, {
        hint: 'Try again in a moment.',
      });
    }
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
    }
  }
}

function withoutFiles(tools: ReceiverTools): ReceiverTools {
  const denied = (): never => {
    throw new VitrineError('outbound_denied', 'A channel that is tried by the API reads no files.', {
      hint: 'Write the secret into the field without "_file" for the trial.',
    });
  };
  return { ...tools, readFile: async () => denied(), pathOf: denied, environment: {} };
}
