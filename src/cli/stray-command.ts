/** A mistyped command of a group with a default command: that one gets it as an argument, and says which commands there are. */
import type { Command } from 'commander';
import { VitrineError } from '../base/errors.ts';
import { nearest } from '../config/schema-walk.ts';

/** `hidden` are names that a message does not list. */
function strayCommand(group: Command, word: string, hidden: readonly string[]): VitrineError {
  const names = group.commands.map((command) => command.name()).filter((name) => !hidden.includes(name));
  const meant = nearest(word, names);
  const path = group.parent === null ? group.name() : `${group.parent.name()} ${group.name()}`;
  return new VitrineError('usage', `"${word}" is no command${group.parent === null ? '' : ` of "${path}"`}.`, {
    hint: `${meant === undefined ? '' : `Did you mean "${path} ${meant}"? `}The commands are ${names.join(', ')}; see \`${path} --help\`.`,
  });
}

/** A new command of `group`. The default one is run by the name of the group alone, and refuses mistyped ones. */
export function commandOf(group: Command, name: string, isDefault: boolean): Command {
  return isDefault ? refuseStrays(group, group.command(name, { isDefault })) : group.command(name);
}

/** Lets `command`, the default one of `group`, refuse arguments that it does not take. */
export function refuseStrays(group: Command, command: Command, hidden: readonly string[] = []): Command {
  return command.allowExcessArguments().hook('preAction', (_, { args, registeredArguments }) => {
    if (args.length > registeredArguments.length) throw strayCommand(group, args[registeredArguments.length], hidden);
  });
}
