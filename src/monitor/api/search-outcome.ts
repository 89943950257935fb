/** The part that all answers to searches share, as types only. */

/** How far a search came. */
export interface SearchOutcome {
  /** False when a limit of time, bytes or records ended the search; then all matches at or after `reached_ms` were found. */
  readonly complete: boolean;
  readonly reached_ms?: number;
  /** Records in damaged batches of the range, which were skipped. */
  readonly lost?: number;
  readonly scanned: { readonly records: number; readonly bytes: number };
}

export interface SearchPage extends SearchOutcome {
  /** `cursor` of the next page, null after the last. */
  readonly next: string | null;
}
