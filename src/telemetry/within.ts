/** A bound on the time that the end of telemetry may take. */

/** The value of `work`, or a message when it takes longer than the limit. The timer keeps the process alive until then. */
export async function within<T>(limitMs: number, work: Promise<T>): Promise<T | string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`not done within ${limitMs} ms`), limitMs);
  });
  const result = await Promise.race([work, late]);
  clearTimeout(timer);
  return result;
}
