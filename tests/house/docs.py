"""What the documents name is there: tools' man pages and options, files, links, commands."""

import os
import re
import sys

import house


def options_of(program, *command):
    """The long options that a tool's own help names, or that of one of its commands."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", house.run([program, *command, "--help"])))


def commands_of(root, program):
    """The commands that the synopsis has beside the tool itself: *exchange-server replay*."""
    name = os.path.basename(program)
    page = "docs/man/%s.1.scd" % name
    text = house.read(root, page) if os.path.exists(os.path.join(root, page)) else ""
    return re.findall(r"^\*%s ([a-z]+)\*" % re.escape(name), text, flags=re.M)


def check_tool(root, program, known, problems):
    name = os.path.basename(program)
    page = "docs/man/%s.1.scd" % name
    if not os.path.exists(os.path.join(root, page)):
        problems.append("%s has no man page (%s)" % (name, page))
        return
    text = house.read(root, page).replace("\\", "")
    here = options_of(program)
    for option in sorted(here):
        if option not in text:
            problems.append("%s: %s of --help is missing" % (page, option))
    for option in sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - known):
        problems.append("%s: no tool knows %s" % (page, option))


def check_links(root, name, text, problems):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if re.match(r"\w+:", target):
            continue
        path = os.path.normpath(os.path.join(os.path.dirname(name), target))
        if not os.path.exists(os.path.join(root, path)):
            problems.append("%s: links to %s, which is not there" % (name, target))


def is_there(root, path, tools):
    if path.startswith("build/tools/"):
        return path[len("build/tools/"):] in tools
    # A program is called by its name with dashes, its source file with underscores.
    folder, name = os.path.split(path)
    return any(os.path.exists(os.path.join(root, folder, spelling + end))
               for spelling in [name, name.replace("-", "_")] for end in ["", ".c", ".h", ".py"])


def check_paths(root, name, text, tools, problems):
    """Files of the project that are named in code, and built tools in commands."""
    for words in re.findall(r"`([^`\n]+)`", text) + re.findall(r"^    (.+)$", text, flags=re.M):
        for path in re.findall(r"(?<![\w/.-])(?:build/tools|tools|tests|lib|include|examples|docs|"
                               r"subprojects)/[\w./-]*\w(?![\w<*])", words):
            if not is_there(root, path, tools):
                problems.append("%s: %s is not there" % (name, path))


def main():
    root = sys.argv[1]
    programs = sys.argv[2:]
    tools = [os.path.basename(program) for program in programs]
    problems = []
    count = 0

    known = set().union(*[options_of(program) for program in programs],
                        *[options_of(program, command) for program in programs
                          for command in commands_of(root, program)])
    for program in programs:
        check_tool(root, program, known, problems)
    for name in house.project_files(root):
        if not name.endswith(".md"):
            continue
        count += 1
        text = house.read(root, name)
        check_links(root, name, text, problems)
        check_paths(root, name, text, tools, problems)
    readme = house.read(root, "README.md")
    for tool in tools:
        if tool not in readme:
            problems.append("README.md does not name %s" % tool)
    house.finish(problems, "%d documents, %d tools" % (count, len(tools)))


main()
