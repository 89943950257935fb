/**
 * What a kind of receiver is: the schema of its entries in the file and a function that makes a receiver of an entry. A new
 * kind is one file with a `ReceiverKind` and one row in `table.ts`.
 */
import type { Socket } from 'node:net';
import type { z } from 'zod';
import type { Clock } from '../../../../base/clock.ts';
import type { Logger } from '../../../../base/logger.ts';
import type { Notification, Receiver } from '../notification.ts';
import type { ConnectionRequest } from '../../../outbound/connect.ts';
import type { OutboundAnswer, OutboundRequest } from '../../../outbound/request.ts';

/** What a receiver gets from outside. */
export interface ReceiverTools {
  /**
   * Every HTTP request of a receiver goes through this function, and so through the outbound guard, on behalf of the author of
   * the receiver. Throws VitrineError `outbound_denied`, `unreachable`, `gateway_timeout` or `bad_gateway`.
   */
  readonly request: (request: Omit<OutboundRequest, 'origin'>) => Promise<OutboundAnswer>;
  /** As `request`, for protocols other than HTTP. The socket is destroyed when the signal aborts; the receiver ends it. */
  readonly connect: (connection: Omit<ConnectionRequest, 'origin'>) => Promise<Socket>;
  /**
   * Expands a Go template with Alertmanager's data and functions, the templates of the file and the default ones
   * (`{{ template "slack.default.title" . }}`). Throws TemplateError.
   */
  readonly render: (text: string, notification: Notification) => Promise<string>;
  /** Reads a file that the configuration names (`url_file`), at the time of sending; without surrounding space. */
  readonly readFile: (file: string) => Promise<string>;
  /** The absolute path of a file that the configuration names. */
  readonly pathOf: (file: string) => string;
  /** Variables of the environment; they may be secrets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ReceiverKind<Entry = unknown> {
  /** `webhook`. */
  readonly name: string;
  /** The key of its list in a receiver: `webhook_configs` in Alertmanager's file, or the name itself for our own kinds. */
  readonly key: string;
  /** True for kinds that Alertmanager's file does not know: their entries stand in `notify.receivers` of vitrine.yaml. */
  readonly isOwn?: boolean;
  /**
   * One entry. Scalars arrive as text: the file is read as Go reads it, where the field decides what `5` or `yes` means.
   * Use the types of `fields.ts`.
   */
  readonly schema: z.ZodType<Entry>;
  /**
   * Fields that an entry takes from `global` when it does not set them, by the name of the global field, such as
   * `{ smarthost: 'smtp_smarthost' }`. They are filled in before the schema is applied.
   */
  readonly inherits?: Readonly<Record<string, string>>;
  /** False for kinds whose entries have no `http_config`. */
  readonly usesHttp?: boolean;
  /** Groups of fields that stand for each other: an entry that sets one of a group inherits none of it. */
  readonly alternatives?: readonly (readonly string[])[];
  /** Fields of an entry that are accepted and have no effect here; each use is named in a warning. */
  readonly unused?: readonly string[];
  create(entry: Entry, tools: ReceiverTools): Receiver;
}
