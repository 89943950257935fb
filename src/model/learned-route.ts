/**
 * A route of the application behind the balancer, as its own server spans name it, with the paths that belong to it. The
 * monitor reads both from traces and sends them to the balancer, whose metrics then have the application's route.
 */

/** A segment of a path; null for any segment. */
export type PathPattern = readonly (string | null)[];

export interface RouteLesson {
  /** Name of the upstream that answered. */
  readonly upstream: string;
  readonly method: string;
  readonly pattern: PathPattern;
  /** Whether any further segments may follow the pattern. */
  readonly open: boolean;
  /** The application's text; '' when several of its routes share the pattern, so that none of them can be told from the path. */
  readonly route: string;
}

/** Segments of a longer path are not compared: such a pattern is open. */
export const PATTERN_SEGMENTS = 16;

/** Segments of a path or a route; a slash at the end adds none. */
export function segmentsOf(path: string): string[] {
  const segments = path.split('/');
  if (segments[0] === '') segments.shift();
  if (segments[segments.length - 1] === '') segments.pop();
  return segments;
}
