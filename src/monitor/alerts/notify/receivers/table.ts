/** All kinds of receivers. A new kind is a file beside this one and a row here. */
import type { ReceiverKind } from './kind.ts';
import { webhook } from './webhook.ts';

export const RECEIVER_KINDS: readonly ReceiverKind[] = [webhook];
