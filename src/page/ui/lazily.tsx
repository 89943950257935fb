/** A component whose code is loaded when it is first drawn, for what most visits never show. */
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { sayError } from './toast.tsx';

export function lazily<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element | null {
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
    return Drawn === undefined ? null : <Drawn {...props} />;
  };
}
