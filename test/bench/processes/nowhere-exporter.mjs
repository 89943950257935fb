/** Takes every batch of spans and does nothing with it. */
export const createSpanExporter = () => ({
  export: (_spans, done) => done({ code: 0 }),
  shutdown: () => Promise.resolve(),
});
