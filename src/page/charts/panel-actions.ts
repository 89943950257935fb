/** What the menu of a panel offers. */
import { copyLink, copyText } from '../ui/copy.tsx';
import { address, go, param, setParams } from '../state/router.ts';
import { sayError } from '../ui/toast.tsx';
import type { ChartState } from './data/use-chart.ts';
import { COMPARISONS } from './data/compare.ts';
import { csvOf, curlOf, download, fileName, promqlOf } from './data/export-text.ts';
import { hiddenKinds, MARK_KINDS, MARK_WORDS, toggleKind } from './data/marks.ts';
import type { Picture } from './image-export.ts';
import type { MenuGroup } from './menu.tsx';
import type { AxisKind } from './chart-model.ts';

export type PanelView = 'chart' | 'table' | 'heatmap';
export type PanelDialog = 'computed' | 'alert' | 'annotate';

export interface PanelControls {
  readonly view: PanelView;
  readonly setView: (view: PanelView) => void;
  readonly axis: AxisKind;
  readonly setAxis: (axis: AxisKind) => void;
  readonly legend: boolean;
  readonly setLegend: (shown: boolean) => void;
  readonly open: (dialog: PanelDialog) => void;
  readonly figure: () => HTMLElement | null;
}

export interface PanelFacts {
  readonly title: string;
  readonly unit: string;
  readonly chart: ChartState;
  readonly picture: Picture;
  readonly hasBuckets: boolean;
  readonly isRatio: boolean;
}

export function toggleFullScreen(figure: HTMLElement | null): void {
  if (document.fullscreenElement !== null) void document.exitFullscreen();
  else figure?.requestFullscreen().catch(sayError);
}

function saveImage(kind: 'png' | 'svg', { title, picture }: PanelFacts, figure: HTMLElement | null): void {
  const name = fileName(title, picture.data.toMs, kind);
  import('./image-export.ts')
    .then(async ({ svgOf, pngOf }) => {
      if (kind === 'svg') return download(name, new Blob([svgOf(picture)], { type: 'image/svg+xml' }));
      const canvas = figure?.querySelector('canvas');
      const image = canvas === null || canvas === undefined ? null : await pngOf(canvas, picture);
      return image === null ? sayError(new Error('There is no chart to save.')) : download(name, image);
    })
    .catch(sayError);
}

export function panelMenu(facts: PanelFacts, controls: PanelControls): readonly MenuGroup[] {
  const { chart, title, unit, hasBuckets, isRatio } = facts;
  const { answer, data } = chart;
  const { view, axis, setView, setAxis, legend, setLegend, open, figure } = controls;
  const none = answer === undefined || data === undefined;
  const comparison = param('compare');
  return [
    [
      { label: 'View as table', checked: view === 'table', act: () => setView(view === 'table' ? 'chart' : 'table') },
      hasBuckets && {
        label: 'View as heatmap',
        checked: view === 'heatmap',
        act: () => setView(view === 'heatmap' ? 'chart' : 'heatmap'),
      },
      { label: 'Legend with figures', checked: legend, act: () => setLegend(!legend) },
      isRatio && {
        label: 'Axis to 100 %',
        checked: axis === 'whole',
        act: () => setAxis(axis === 'whole' ? 'zero' : 'whole'),
      },
      !isRatio && {
        label: 'Logarithmic axis',
        checked: axis === 'log',
        act: () => setAxis(axis === 'log' ? 'zero' : 'log'),
      },
      { label: 'Full screen', keys: 'v', act: () => toggleFullScreen(figure()) },
    ],
    [
      { label: 'How it is computed', disabled: none, act: () => open('computed') },
      {
        label: 'Open in Explore',
        disabled: none,
        act: () => answer && go(address('/explore', { q: answer.queries[0].expr })),
      },
      { label: 'Alert from this', disabled: none, act: () => open('alert') },
      { label: 'Add an annotation', act: () => open('annotate') },
    ],
    [
      { label: 'Copy link', keys: 'y', act: () => copyLink(true) },
      { label: 'Copy PromQL', disabled: none, act: () => answer && copyText(promqlOf(answer), 'PromQL') },
      {
        label: 'Copy as curl',
        disabled: none,
        act: () => answer && copyText(curlOf(answer, location.origin), 'Command'),
      },
      {
        label: 'Save as CSV',
        disabled: none,
        act: () =>
          data && download(fileName(title, data.toMs, 'csv'), new Blob([csvOf(data, unit)], { type: 'text/csv' })),
      },
      { label: 'Save as PNG', disabled: none || view === 'table', act: () => saveImage('png', facts, figure()) },
      { label: 'Save as SVG', disabled: none, act: () => saveImage('svg', facts, figure()) },
    ],
    COMPARISONS.map(([value, label]) => ({
      label,
      checked: comparison === value,
      act: () => setParams({ compare: value }),
    })),
    MARK_KINDS.map((kind) => ({
      label: MARK_WORDS[kind],
      checked: !hiddenKinds.value.has(kind),
      act: () => toggleKind(kind),
    })),
  ];
}
