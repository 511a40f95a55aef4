"""The image without a registry: layers made in a chroot, packed as an archive that containerd takes.

`rootfs` makes a layer's folder, `layer` packs it, `archive` joins the layers, `cache` keeps them.
"""
