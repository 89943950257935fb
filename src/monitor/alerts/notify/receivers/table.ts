/** All kinds of receivers. A new kind is a file beside this one and a row here. */
import { alertmanager } from './alertmanager.ts';
import { consoleKind } from './console.ts';
import type { ReceiverKind } from './kind.ts';
import { httpKind, webhook } from './webhook.ts';

export const RECEIVER_KINDS: readonly ReceiverKind[] = [webhook, httpKind, alertmanager, consoleKind];
