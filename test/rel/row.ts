/** A promise from the table in RELIABILITY as a program: what it measures, and whether the result is good enough. */

export interface Outcome {
  /** The measured values, by name. */
  readonly figure: Readonly<Record<string, number | string>>;
  readonly pass: boolean;
}

export interface Row {
  readonly id: string;
  /** A name that may be used instead of the id. */
  readonly name: string;
  /** The figure to reach, in words. */
  readonly goal: string;
  run(): Promise<Outcome>;
}
