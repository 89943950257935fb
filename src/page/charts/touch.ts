/**
 * Fingers on a chart: a long press shows the crosshair with its tooltip and moves it, and two fingers zoom. A finger that
 * moves at once scrolls the page, as everywhere. The buttons beside the range do the same without gestures.
 */
import type uPlot from 'uplot';
import type { TimeChartProps } from './chart-model.ts';

const LONG_MS = 350;
const STILL_PX = 10;

interface Pinch {
  readonly fromX: number;
  readonly toX: number;
}

/** The range under two fingers after they moved: what was under each at the start stays under it. Pure. */
export function pinchedRange(
  [fromMs, toMs]: readonly [number, number],
  width: number,
  start: Pinch,
  end: Pinch,
): readonly [fromMs: number, toMs: number] {
  const perPx = (toMs - fromMs) / width;
  const [low, high] = [fromMs + start.fromX * perPx, fromMs + start.toX * perPx];
  // Fingers that meet would ask for a range without an end.
  const apart = Math.max(16, end.toX - end.fromX);
  const next = (high - low) / apart;
  return [low - end.fromX * next, high + (width - end.fromX - apart) * next];
}

type Latest = { readonly current: TimeChartProps };

/** What the fingers on one chart do. */
class Fingers {
  readonly #u: uPlot;
  readonly #latest: Latest;
  #timer = 0;
  #begun: Touch | undefined;
  #held = false;
  #pinch: { readonly first: Pinch; readonly last: Pinch } | undefined;

  constructor(u: uPlot, latest: Latest, signal: AbortSignal) {
    this.#u = u;
    this.#latest = latest;
    const { over } = u;
    const options = { passive: false, signal };
    over.addEventListener('touchstart', (event) => this.#start(event), options);
    over.addEventListener('touchmove', (event) => this.#move(event), options);
    over.addEventListener('touchend', (event) => this.#end(event), options);
    over.addEventListener('touchcancel', () => clearTimeout(this.#timer), options);
    over.addEventListener('contextmenu', (event) => this.#held && event.preventDefault(), options);
    signal.addEventListener('abort', () => clearTimeout(this.#timer), { once: true });
  }

  #start(event: TouchEvent): void {
    clearTimeout(this.#timer);
    this.#u.root.classList.remove('touched');
    this.#held = false;
    if (event.touches.length === 2) {
      event.preventDefault();
      const first = this.#pinchOf(event);
      this.#pinch = { first, last: first };
      return;
    }
    this.#begun = event.touches[0];
    this.#timer = window.setTimeout(() => {
      this.#held = true;
      this.#u.root.classList.add('touched');
      if (this.#begun !== undefined) this.#show(this.#begun);
    }, LONG_MS);
  }

  #move(event: TouchEvent): void {
    const [touch] = event.touches;
    if (this.#pinch !== undefined && event.touches.length === 2) {
      event.preventDefault();
      this.#pinch = { ...this.#pinch, last: this.#pinchOf(event) };
    } else if (this.#held) {
      event.preventDefault();
      this.#show(touch);
    } else if (this.#begun !== undefined) {
      const { clientX, clientY } = this.#begun;
      if (Math.hypot(touch.clientX - clientX, touch.clientY - clientY) > STILL_PX) clearTimeout(this.#timer);
    }
  }

  #end(event: TouchEvent): void {
    clearTimeout(this.#timer);
    // After a long press no click follows: it would open the traces under the finger.
    if (this.#held) event.preventDefault();
    const pinch = this.#pinch;
    if (pinch === undefined || event.touches.length > 0) return;
    this.#pinch = undefined;
    const { data, onZoom } = this.#latest.current;
    const width = this.#u.over.clientWidth;
    const [from, to] = pinchedRange([data.fromMs, data.toMs], width, pinch.first, pinch.last);
    onZoom(from, to);
  }

  #xIn({ clientX }: Touch): number {
    return clientX - this.#u.over.getBoundingClientRect().left;
  }

  #show(touch: Touch): void {
    const { over } = this.#u;
    const top = touch.clientY - over.getBoundingClientRect().top;
    this.#u.setCursor({ left: Math.max(0, Math.min(over.clientWidth, this.#xIn(touch))), top });
  }

  #pinchOf({ touches }: TouchEvent): Pinch {
    const [fromX, toX] = [this.#xIn(touches[0]), this.#xIn(touches[1])].sort((a, b) => a - b);
    return { fromX, toX };
  }
}

export function touchable(latest: Latest): uPlot.Plugin {
  const gone = new AbortController();
  return {
    hooks: {
      init(u) {
        void new Fingers(u, latest, gone.signal);
      },
      destroy: () => gone.abort(),
    },
  };
}
