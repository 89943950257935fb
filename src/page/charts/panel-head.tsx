/** The head of a panel: title with its unit, what is wrong, legend, and the buttons. */
import type { JSX } from 'preact';
import { Icon } from '../ui/icons.tsx';
import type { LegendProps } from './legend.tsx';
import { Legend } from './legend.tsx';
import type { MenuGroup } from './menu.tsx';
import { Menu } from './menu.tsx';
import type { PanelCardProps, PanelModel } from './panel-state.ts';
import { troubleOf } from './panel-state.ts';

interface HeadProps {
  readonly card: PanelCardProps;
  readonly model: PanelModel;
  /** Undefined while the legend is under the plot, or there is nothing to name. */
  readonly legend: LegendProps | undefined;
  readonly groups: () => readonly MenuGroup[];
  readonly onComputed: () => void;
  readonly onOthers: () => void;
}

/** The unit is never shortened; the description after it may be. */
function Subtitle({ unit, text }: { unit: string; text: string }): JSX.Element {
  return (
    <>
      {unit !== '' && <span class="sub unit">{unit}</span>}
      {text !== '' && (
        <span class="subs">
          <span class="sub" title={text}>
            {text}
          </span>
        </span>
      )}
    </>
  );
}

function Tools({ card, model, groups, onComputed }: HeadProps): JSX.Element {
  const { title } = card.panel;
  const { view, setView, chart } = model;
  const asTable = view === 'table';
  return (
    <span class="tools">
      <button
        type="button"
        class="more"
        disabled={chart.answer === undefined}
        aria-label={`How ${title} is computed`}
        title="How it is computed"
        onClick={onComputed}
      >
        <Icon name="formula" small />
      </button>
      <button
        type="button"
        class="more"
        aria-pressed={asTable}
        aria-label={asTable ? `View ${title} as chart` : `View ${title} as table`}
        title={asTable ? 'View as chart' : 'View as table'}
        onClick={() => setView(asTable ? 'chart' : 'table')}
      >
        <Icon name={asTable ? 'chart' : 'table'} small />
      </button>
      <Menu label={`Menu of ${title}`} groups={groups}>
        <Icon name="more" small />
      </Menu>
    </span>
  );
}

export function PanelHead(props: HeadProps): JSX.Element {
  const { card, model, legend, onOthers } = props;
  const note = troubleOf(model.chart, card.range === undefined);
  return (
    <div class="hd">
      <h2>{card.panel.title}</h2>
      <Subtitle unit={model.view === 'heatmap' ? '' : model.scale.unit} text={card.panel.subtitle} />
      {note !== '' && (
        <span class="w-warn trouble" title={note}>
          {note}
        </span>
      )}
      {legend && <Legend {...legend} />}
      {model.others > 0 && model.view === 'chart' && (
        <button type="button" class="others" onClick={onOthers}>
          other {model.others}
        </button>
      )}
      <Tools {...props} />
    </div>
  );
}
