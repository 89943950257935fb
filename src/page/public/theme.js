/* Runs before the first paint, so that the page never shows another theme than the chosen one. */
try {
  const theme = localStorage.getItem('vitrine.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  /* Storage may be forbidden; then the system's theme is used. */
}
