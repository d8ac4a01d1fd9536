"""Short forms of page nodes, rewritten before anything looks at them (pages-cli §2.6)."""

from typing import Any

from core.schema.tree import Map, Seq


def rewrite_nodes(tree: Map) -> None:
    """Rewrite the nodes of all pages and component templates in place."""
    templates = tree.get("components")
    for template in templates if isinstance(templates, Seq) else ():
        if _is_menu_of_links(template):
            template["type"] = "flex"
    todo: list[Any] = [tree.get("pages"), templates]
    while todo:
        node = todo.pop()
        if isinstance(node, Map):
            if _is_menu_of_links(node):
                _links_to_items(node)
            _icon_button(node)
            todo.extend(node.values())
        elif isinstance(node, Seq):
            todo.extend(node)


def _is_menu_of_links(node: Any) -> bool:
    if not isinstance(node, Map) or node.get("type") != "navigation-menu":
        return False
    children = node.get("children")
    return isinstance(children, Seq) and any(isinstance(each, Map) and each.get("type") == "link" for each in children)


def _links_to_items(node: Map) -> None:
    """A menu's `link` children become its `navItems`."""
    children = node["children"]
    items = Seq(children.position)
    for index, child in enumerate(children):
        if not isinstance(child, Map) or child.get("type") != "link":
            continue
        item = Map(child.position)
        for key in ("content", "props"):
            value = child.get(key)
            if key == "content" and isinstance(value, str):
                item.put("label", value, child.key_positions[key], child.positions[key])
            elif isinstance(value, Map):
                for name, inner in value.items():
                    item.put(name, inner, value.key_positions[name], value.positions[name])
        items.put(item, children.positions[index])
    position = node.positions["children"]
    del node["children"]
    node.put("navItems", items, position, position)


def _icon_button(node: Map) -> None:
    """A button of size `icon` is an ordinary button with the class `btn-icon`."""
    if node.get("type") != "button":
        return
    for holder in (node, node.get("props")):
        if isinstance(holder, Map) and holder.get("size") == "icon":
            position = holder.positions["size"]
            del holder["size"]
            classes = holder.get("className")
            text = f"{classes} btn-icon" if isinstance(classes, str) and classes else "btn-icon"
            holder.put("className", text, position, position)
