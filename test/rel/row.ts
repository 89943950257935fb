/** A promise of RELIABILITY's table as something that can be run: what it measures, and whether that is good enough. */

export interface Outcome {
  /** What was measured, by name. */
  readonly figure: Readonly<Record<string, number | string>>;
  readonly pass: boolean;
}

export interface Row {
  readonly id: string;
  /** What it may be called instead of its id. */
  readonly name: string;
  /** The figure that has to be reached, in words. */
  readonly goal: string;
  run(): Promise<Outcome>;
}
