/** Starts the app named by the first argument on a free port and sends the port to the test. */
const app = await import(new URL(process.argv[2], import.meta.url).href);
const { serve } = app.serve ? app : app.default;
serve(0, function ready() {
  process.send({ port: (this?.address ? this : undefined)?.address().port });
});
