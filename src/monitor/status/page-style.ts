/** The style sheet of the status page, inside the page: one file less to load, and an exported page needs nothing beside it. */
import { createHash } from 'node:crypto';

export const STYLE = `:root{color-scheme:light dark;--bg:light-dark(#f6f7f9,#121419);--card:light-dark(#fff,#1a1d23);--line:light-dark(#dfe1e6,#31353d);--text:light-dark(#1d2129,#eef0f3);--muted:light-dark(#5b616d,#a3a9b5);--accent:light-dark(#3d4fd0,#9aa9ff);--up:light-dark(#178048,#4cc98a);--warn:light-dark(#8f5600,#eeb04a);--crit:light-dark(#c02a30,#f4817e);--maint:light-dark(#2563a8,#7db8f2);--up-mark:light-dark(#8fcfac,#2f7a55);--warn-mark:light-dark(#c98a1d,#d99a35);--crit-mark:light-dark(#d7373d,#e2595a);--maint-mark:light-dark(#6f9fd6,#4c83bf)}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,header,footer{max-width:840px;margin:0 auto;padding:0 16px}
header{padding-top:32px}
h1{font-size:22px;margin:0 0 16px}
h2{font-size:16px;margin:28px 0 8px}
h3{font-size:15px;margin:0}
p{margin:0 0 8px}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px;margin:0 0 12px}
.verdict{display:flex;gap:10px;align-items:center;font-weight:600;font-size:18px}
.row{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:baseline;justify-content:space-between}
.row h3{flex:1 1 12em}
.word{font-weight:600;white-space:nowrap}
.up{color:var(--up)}.unknown{color:var(--muted)}.maintenance{color:var(--maint)}.degraded{color:var(--warn)}.outage{color:var(--crit)}
.muted{color:var(--muted);font-size:13px}
.days{display:block;width:100%;height:28px;margin:8px 0 4px}
.days .b-up{fill:var(--up-mark)}.days .b-warn{fill:var(--warn-mark)}.days .b-crit{fill:var(--crit-mark)}.days .b-maintenance{fill:var(--maint-mark)}.days .b-none{fill:var(--line)}
.text{white-space:pre-line}
ol.updates{list-style:none;margin:10px 0 0;padding:0}
ol.updates li{border-left:2px solid var(--line);padding:0 0 8px 12px}
ul.past{list-style:none;margin:0;padding:0}
ul.past li{padding:4px 0;border-top:1px solid var(--line)}
ul.past li:first-child{border-top:0}
details{font-size:13px;margin-top:6px}
summary{cursor:pointer;color:var(--muted);min-height:24px}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:3px 8px 3px 0;border-top:1px solid var(--line);font-weight:400}
th{color:var(--muted)}
svg.shape{width:1em;height:1em;flex:none;vertical-align:-.12em}
footer{padding-top:16px;padding-bottom:40px}
@media print{body{background:#fff}}
@media (forced-colors:active){.days rect{forced-color-adjust:none}}
`;

export const STYLE_HASH = `sha256-${createHash('sha256').update(STYLE).digest('base64')}`;

/** Nothing may be loaded, sent or run; only the one style sheet counts. */
export const PAGE_POLICY = `default-src 'none'; style-src '${STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'`;
