/** A component whose code is loaded when it is first drawn, for what most visits never show. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Loading } from './states.tsx';
import { sayError } from './toast.tsx';

/** `height`: what it takes in pixels, kept free until then; nothing when it stands at the end or is rare. */
export function lazily<P extends object>(
  load: () => Promise<ComponentType<P>>,
  height?: number,
): (props: P) => JSX.Element | null {
  let loaded: ComponentType<P> | undefined;
  return function Later(props) {
    const [, setTurn] = useState(0);
    useEffect(() => {
      if (loaded !== undefined) return;
      load()
        .then((found) => {
          loaded = found;
          return setTurn((n) => n + 1);
        })
        .catch(sayError);
    }, []);
    const Drawn = loaded;
    if (Drawn !== undefined) return <Drawn {...props} />;
    return height === undefined ? null : <Loading height={height} />;
  };
}
