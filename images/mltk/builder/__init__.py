"""The image without a registry: layers made in a chroot, joined in an archive for containerd.

`rootfs` makes a layer's folder, `layer` packs it, `archive` joins the layers, `cache` keeps them.
"""
