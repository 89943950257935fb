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

const BEGIN = 'alert_created';
/** An alert on trial is in no group, and ends by an event of its own. */
const EVENTS = [BEGIN, 'alert_resolved', 'vitrine_trial_resolved'];

/**
 * The oldest first. An end without its beginning, which the ledger no longer has, makes an episode of its own; an alert that
 * leaves several groups ends once.
 */
export function episodesOf(
  ledger: Ledger,
  fromMs: number,
  toMs: number,
  isWanted: (name: string) => boolean = () => true,
): { readonly episodes: readonly EpisodeView[]; readonly complete: boolean } {
  const events = ledger.ofTypes(EVENTS, fromMs, toMs, MAX_EVENTS);
  const found: Episode[] = [];
  const newest = new Map<string, Episode>();
  for (const { type, data } of events) {
    const { alert } = data as { readonly alert?: AlertData & { readonly details?: AlertData } };
    const about = alert?.details ?? alert;
    if (about === undefined || !isWanted(about.name)) continue;
    const { fingerprint, name, labels, startsAt: began, endsAt: ended } = about;
    const known = newest.get(fingerprint);
    if (type !== BEGIN && known !== undefined) {
      if (known.ended === null) known.ended = ended;
      if (Date.parse(began) <= Date.parse(known.ended)) continue;
    }
    // It fired anew before anybody was told that it had ended.
    if (known?.ended === null) known.ended = began;
    const episode = { fingerprint, name, labels, began, ended: type === BEGIN ? null : ended };
    found.push(episode);
    newest.set(fingerprint, episode);
  }
  return { episodes: found, complete: events.length < MAX_EVENTS };
}

type Episode = { -readonly [Key in keyof EpisodeView]: EpisodeView[Key] };

/** Alerts that fired at some time of the range, the newest first. */
export function historyOf(ledger: Ledger, fromMs: number, toMs: number): HistoryAnswer {
  const { episodes, complete } = episodesOf(ledger, fromMs - BEFORE_MS, toMs);
  const inside = episodes.filter(({ ended }) => ended === null || Date.parse(ended) >= fromMs);
  return { alerts: inside.toReversed(), complete };
}
