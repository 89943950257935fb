/** When alerts began and ended, from the ledger: the history of all, and similar ones of one. */
import type { Ledger } from '../../alerts/notify/state/ledger.ts';
import type { EpisodeView, HistoryAnswer } from './contract.ts';

const MAX_EVENTS = 2_000;
/** An alert that began this long before a range is found when it ended inside. */
const BEFORE_MS = 7 * 86_400_000;

interface AlertData {
  readonly fingerprint: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

/** The oldest first. An end without its beginning, which the ledger no longer has, makes an episode of its own. */
export function episodesOf(
  ledger: Ledger,
  fromMs: number,
  toMs: number,
  isWanted: (name: string) => boolean = () => true,
): { readonly episodes: readonly EpisodeView[]; readonly complete: boolean } {
  const events = ledger.ofTypes(['alert_created', 'alert_resolved'], fromMs, toMs, MAX_EVENTS);
  const found: {
    fingerprint: string;
    name: string;
    labels: EpisodeView['labels'];
    began: string;
    ended: string | null;
  }[] = [];
  const open = new Map<string, (typeof found)[number]>();
  for (const event of events) {
    const { alert } = event.data as { readonly alert?: AlertData & { readonly details?: AlertData } };
    const isBegin = event.type === 'alert_created';
    const about = isBegin ? alert : alert?.details;
    if (about === undefined || !isWanted(about.name)) continue;
    const { fingerprint, name, labels, startsAt: began, endsAt: ended } = about;
    const known = open.get(fingerprint);
    if (!isBegin && known !== undefined) {
      known.ended = ended;
      open.delete(fingerprint);
      continue;
    }
    const episode = { fingerprint, name, labels, began, ended: isBegin ? null : ended };
    found.push(episode);
    if (isBegin) open.set(fingerprint, episode);
  }
  return { episodes: found, complete: events.length < MAX_EVENTS };
}

/** Alerts that fired at some time of the range, the newest first. */
export function historyOf(ledger: Ledger, fromMs: number, toMs: number): HistoryAnswer {
  const { episodes, complete } = episodesOf(ledger, fromMs - BEFORE_MS, toMs);
  const inside = episodes.filter(({ ended }) => ended === null || Date.parse(ended) >= fromMs);
  return { alerts: inside.toReversed(), complete };
}
