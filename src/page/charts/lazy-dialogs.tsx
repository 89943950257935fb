/** The dialogs of panels, loaded when the first one opens. */
import { lazily } from '../ui/lazily.tsx';
import type { DialogsProps } from './dialogs/panel-dialogs.tsx';

export const LazyDialogs = lazily<DialogsProps>(async () => (await import('./dialogs/panel-dialogs.tsx')).PanelDialogs);
