"""The sentences that the program shows to a user. Code passes codes and values; the text is made where it is shown.

Everything below the window and the command line uses `Message`s; every sentence is written once, here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from resnet_gui.names import LIST, NAME, WHOLE, elided, shown

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence as data: `code` is a key of `SENTENCES`, `values` fill its placeholders."""

    code: str
    values: tuple[tuple[str, Value], ...] = ()


def message(code: str, **values: Value) -> Message:
    """A `Message`, with its values written as keywords."""
    return Message(code, tuple(values.items()))


class Problem(Exception):
    """Something that the user can fix: bad input, a full disk, a missing device. `str()` is the sentence."""

    def __init__(self, code: str, **values: Value) -> None:
        super().__init__(code)
        self.message = message(code, **values)

    def __str__(self) -> str:
        return sentence(self.message)


def sentence(message: Message, translate: Callable[[str], str] = str) -> str:
    """The text of `message`, its values made safe to show. `translate` maps an English template to the user's language."""
    template = SENTENCES[message.code]
    values = {key: _shown(key, value) for key, value in (*_UNWRITTEN.get(message.code, {}).items(), *message.values)}
    if "{advice}" in template:  # files of earlier versions have none
        advice = SENTENCES.get(str(values.get("advice")), SENTENCES["advice_space"])
        values["advice"] = translate(advice)
    return translate(template).format_map(values)


def _shown(key: str, value: Value) -> Value:
    return shown(value, _LONGEST.get(key, LIST)) if isinstance(value, str) else value


def reason(error: OSError) -> str:
    """The system's reason for `error`, without the path: "No space left on device"."""
    return error.strerror or type(error).__name__


def first_line(error: Exception) -> str:
    """The first line of a library's error, or the name of its class if it has no text. For the end of a sentence."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def first_names(names: Sequence[str], shown: int = 3) -> str:
    """The first of `names`, and how many more there are: there may be thousands."""
    return ", ".join(elided(name, NAME) for name in names[:shown]) + (
        f" and {len(names) - shown:,} more" if len(names) > shown else ""
    )


_LONGEST = {
    **dict.fromkeys(("name", "held", "network", "setting", "layer", "library", "device"), NAME),
    **dict.fromkeys(
        ("path", "log", "origin", "url", "target", "command", "last", "layouts", "remedy", "advice"), WHOLE
    ),
}
"""How many characters of a value are shown, where it is neither a list nor a reason."""

_NEWER: dict[str, Value] = {"version": "(a newer version)", "own": "(an older one)", "known": "an earlier one"}
_UNWRITTEN: dict[str, dict[str, Value]] = {
    "model_newer": _NEWER,
    "checkpoint_newer": _NEWER,
    "weights_not_whole": {"count": "some", "total": "own", "names": "…"},
    "image_too_many_pixels": {"pixels": "more than 178"},
    "weights_nothing_fits": {"known": "none that fit"},
    "image_format": {"formats": "JPEG, PNG, WebP, BMP, GIF, TIFF, PPM"},
}
"""Values that messages in files of earlier versions do not have."""

SENTENCES = {
    # A dataset folder.
    "not_a_folder": "{path} is not a folder. Choose the folder that holds one sub-folder of pictures for each class.",
    "folder_unreadable": "The folder {path} cannot be read: {reason}. Check its permissions, or choose another folder.",
    "no_pictures": "There are no pictures in {path}. Choose a folder that holds one sub-folder of pictures for each class.",
    "no_class_folders": (
        "The {count} pictures in {path} lie side by side. Sort them into one sub-folder for each class, "
        "then choose {path} again."
    ),
    "one_class": (
        "Only one class was found in {path}: “{name}”. A classifier needs at least two. "
        "Choose the folder above it, or add a second class folder."
    ),
    "inner_folder": "The class folders were found in {path}.",
    "class_empty": "The folder “{name}” holds no pictures, so it is not a class.",
    "class_unread": "The folder “{name}” holds {what}, which cannot be read, and no others, so it is not a class. {remedy}",
    "pictures_unread": "{what} in {folders} cannot be read. {remedy}",
    "left_over": "Left out: {what} in {folders} ({names}).",
    "found_by_content": "Files that are pictures by their first bytes, though their names do not end so, are used as well: {count} ({names}).",
    "no_pictures_read": "There are no pictures in {path} that can be read, but {what}. {remedy}",
    "one_class_read": "Only one class was found in {path}: “{name}”. A classifier needs at least two. But {what} cannot be read. {remedy}",
    "save_otherwise": "Save them as JPEG, PNG or TIFF to use them.",
    "install_heic": "Save them as JPEG, or install one more package: type in a terminal: {command}",
    "class_small": "The class “{name}” has too few pictures to split ({count}, and 3 are needed), so all of them are used for training and none to check the result.",
    "classes_small": "{count} classes ({names}) have too few pictures to split (fewer than 3 different ones), so all of these are used for training and none to check the result.",
    "classes_like_splits": (
        "The classes are called {names}, like splits, so the model learns to tell these folders apart. "
        "If they are splits, make one sub-folder for each class in each of them, and move the pictures there."
    ),
    "class_missing": "The class “{name}” has no pictures in {split}: it keeps its place, but cannot be scored there.",
    "class_untrained": "The class “{name}” has no training pictures: the model cannot learn it.",
    "val_from_train": "There are no validation pictures, so {percent} % of the training pictures are set aside for validation. The test pictures are left alone.",
    "split_from_train": "Only training pictures are sorted into classes, so validation and test pictures are taken from them.",
    "no_test": "There are no test pictures, so there will be no test score.",
    "no_validation": "There are no readable validation pictures, so the model of the last epoch is kept and marked as not validated.",
    "test_unlabelled": "{count} test pictures in {path} are in none of the classes, so they are unlabelled and not used for a score.",
    "loose_pictures": "{count} pictures lie outside every class folder and are not used.",
    # How the folders are read.
    "layout_unclear": "The folders in {path} can be read in more than one way ({layouts}), and their names do not say which is right.",
    "layout_misfit": "The folders in {path} cannot be read as {layout}. Choose another layout, or “auto”.",
    "layout_alone": "Or choose one of these folders alone.",
    "reading_classes": "As classes, with --layout classes: {folders}. That gives {count} classes: {names}.",
    "reading_subclasses": "As groups of classes, with --layout subclasses: {folders}. That gives {count} classes: {names}.",
    "reading_splits": "As splits, with --layout splits: {folders}. That gives {count} classes: {names}.",
    "reading_folds": "As folds, with --layout folds: {folders}. That gives {count} classes: {names}.",
    "fold_missing": "There are {count} folds, so fold {number} cannot be the one for validation.",
    "splits_read": "The folders are read as splits that are already made. Training: {train}. Validation: {val}. Test: {test}.",
    "splits_beside_classes": "The folders beside the classes are no classes but splits: {names}. All others are for training.",
    "several_datasets": "The folders are datasets of their own, each with its splits: {names}. Choose one of them.",
    "class_splits": "Each class folder holds folders of training, validation or test pictures, and these are used as they are.",
    "folds_read": "The folders are read as {count} folds: {names}. Fold {number}, “{held}”, is for validation, the others are for training.",
    "subclasses_joined": "Class folders that have the same name in several folders are one class: {names}.",
    "nested_classes": "These class folders hold only further folders, and all pictures in them are of the one class: {names}.",
    "doubtful_classes": "These folders are read as classes, whatever their names say: {names}. If they are none, move them elsewhere.",
    "folders_left_out": "Not used, because they lie beside the dataset: {names}. Pictures in them: {count}.",
    "classes_untrained": "Not used for {split}, because their classes have no training pictures: {names}. Pictures in them: {count}.",
    "class_names_joined": "Some splits write these class names in other upper and lower case, and they are taken for the same: {names}.",
    "val_unlabelled": "Not used for validation, because none of these is a class with training pictures: {names}. Pictures in them: {count}.",
    "sub_folder_unreadable": "The folder {path} cannot be read ({reason}), so its pictures are not used.",
    # Pictures that lie in a dataset more than once.
    "test_in_train": "Test pictures that are also training pictures, byte for byte: {count} of {total} ({names}). So the test score will probably be too good.",
    "val_in_train": "Validation pictures that are also training pictures, byte for byte: {count} of {total} ({names}). So the validation accuracy will probably be too good.",
    "test_in_val": "Test pictures that are also validation pictures, which choose the best epoch: {count} of {total} ({names}). So the test score can be a little too good.",
    "test_repeated": "Test pictures that are copies of other test pictures, and count again: {count} ({names}).",
    "copies_together": "Pictures that are copies of others in their class: {count} ({names}). Copies of a picture are kept together, in training, validation or test.",
    "contradictions": "Pictures that lie in more than one class: {count} ({names}). Only one of the classes can be right. Remove the others.",
    "contradictions_in_train": (
        "Pictures that lie in more than one class: {count} ({names}). Only one of the classes can be right. "
        "Remove the others; until then they are used for training alone, and no score counts them."
    ),
    "score_leaked": "Training pictures among them, byte for byte: {count}. So this score is not that of unseen pictures; without them, {right} of {others} were right ({percent} %).",
    "score_of_seen": "All of them are also training pictures, byte for byte. So this score does not tell what becomes of unseen pictures.",
    # A picture.
    "image_missing": "There is no file {path}.",
    "image_not_regular": "{path} is not an ordinary file.",
    "image_unreadable": "{path} cannot be read: {reason}.",
    "image_empty": "{path} is empty (0 bytes).",
    "image_too_large": "{path} is larger than {limit} MB.",
    "image_too_many_pixels": "{path} has {pixels} million pixels, and at most {limit} million can be opened. Save it smaller, for example with half its width and height.",
    "image_format": "{path} is not a picture in a known format ({formats}).",
    "image_heic": "{path} is a HEIC picture, as phones save them. Save it as JPEG, or install one more package: type in a terminal: {command}",
    "first_frame": "{name} has several frames or pages, of which only the first is used.",
    "first_frame_only": "Pictures with several frames or pages, of which only the first is used: {count} ({names}).",
    "image_lfs_pointer": "{path} is a Git LFS placeholder, not a picture. Run “git lfs pull” in its repository.",
    "image_broken": "{path} is damaged or cut short: {reason}.",
    "pictures_whole": "Most training pictures have a short side of {size} pixels or less, so the network sees all of it, without leaving out a border.",
    "grey_range": "{count} pictures have values of more than 8 bits: {low} is shown as black, {high} as white, in all of them.",
    "grey_stretched": "{count} pictures have values of more than 8 bits: each is stretched from its own lowest, black, to its own highest, white.",
    "grey_clipped": "{count} pictures have values beyond those of the training pictures, below {low} or above {high}: these are shown as black or white.",
    "grey_clipped_here": "{count} of its values lie beyond those that the model learned from, below {low} or above {high}: they are shown as black or white.",
    # A setting, a network, a device.
    "setting_invalid": "The setting “{setting}” is not valid: {reason}.",
    "network_unknown": "There is no network called “{name}”. “resnet-gui networks” lists those there are.",
    "network_misspelt": "There is no network called “{name}”. The nearest are: {known}. “resnet-gui networks” lists them all.",
    # The sentences about networks, their layers and image sizes.
    "size_not_taken": "The network {network} does not take pictures of {size} pixels. The sizes that it takes, in pixels: {sizes}.",
    "network_refuses_size": "The network {network} does not take pictures of {size} x {size} pixels: {reason}. Try another image size, such as 224.",
    "network_not_in_library": "The library {library} has no network called “{name}”. “resnet-gui networks --library {library}” lists those it has.",
    "network_cannot_be_built": "The network “{name}” of the library {library} cannot be built with these classes and channels: {reason}.",
    "network_no_classifier": "The network {network} gives out something else than a score for each class, so it cannot be trained here.",
    # What a run starts from.
    "no_pretrained": "Nobody shares trained weights of {network} that this program knows of. Start from random weights, or from a file.",
    "weights_taken": "{taken} of the network's {wanted} tensors come from {origin}.",
    "weights_misfit": "{name} does not fit: the network has {wanted}, the file {found}.",
    "weights_misfits_more": "{count} more tensors do not fit.",
    "start_path_missing": "To start from a file or an earlier run, choose which one.",
    "from_scratch": "The run starts from random weights, from scratch: expect much less with {count} pictures.",
    "features_not_apart": (
        "The head of {network} cannot be trained apart from the rest: it has two heads, or takes another way. "
        "So every picture goes through the whole network in every epoch, which takes longer."
    ),
    "features_on_disk": "What the head learns from takes {size} GB, too much for the memory that is free, so it is kept in {path} until the run ends.",
    "features_no_room": (
        "There is no room in {path} to keep what the head learns from, {size} GB: {reason}. "
        "Free some space and go on, or start anew with 0 views, which keeps nothing but takes longer."
    ),
    "head_on_random": "Only the head learns, on what random weights make of the pictures: expect little.",
    # Downloads of weights.
    "downloads_weights": "Trained weights are downloaded from {host}: {size}, licence {licence}. They are kept for next time.",
    "download_offline": (
        "{host} cannot be reached ({reason}). Check the internet connection. "
        "Or download {url} on another machine, and save it as {path}."
    ),
    "download_offline_choose": (
        "{host} cannot be reached ({reason}). Check the internet connection. "
        "Or download {url} on another machine, and choose it here with “From file”."
    ),
    "download_broken": "The connection to {host} broke off ({reason}), several times over. What has arrived ({done} MB) is kept: try again later.",
    "download_refused": "{host} answered with the error {status} instead of sending {url}. Try again later.",
    "download_missing": "{host} does not have the file {url} any more. Choose other weights, or weights from a file.",
    "download_forbidden": "{host} does not let everyone download {url}. Choose other weights, or weights from a file.",
    "download_page": (
        "{host} sent a web page instead of the file {url}. Some networks ask for a sign-in that way: "
        "open any page in a browser, then try again."
    ),
    "download_size": "{url} should have {wanted} bytes, but {found} were sent. It was not kept; try again later.",
    "download_wrong_hash": (
        "What came from {url} is not the file that was published: its checksum (SHA-256) begins with {found} and should begin with {wanted}. "
        "It was deleted. Try again; if this happens again, choose other weights."
    ),
    "download_unverifiable": "Nobody states a checksum for {url}, so it cannot be verified, and it was not downloaded. Choose other weights.",
    "download_insecure": "Nothing is downloaded from {url}: only https addresses can be trusted.",
    "download_redirected": "{url} leads on to {target}, which is another kind of address. It was not followed.",
    "download_no_room": "{path} has {free} MB free, and the download needs {needed} MB. Free some space, then try again.",
    "download_not_written": "{path} could not be written: {reason}. What has arrived is kept. {advice}",
    # Files of weights, and what of them fits.
    "weights_missing": "There is no file of weights {path}.",
    "weights_unreadable": "{path} cannot be read: {reason}.",
    "weights_not_weights": "{path} is not a file of weights: it is {what}.",
    "weights_too_large": "{path} needs about {needed} GB of memory to be read, and {free} GB are free. Close other programs, then try again.",
    "weights_damaged": "{path} is damaged ({reason}). Download or copy it again.",
    "weights_not_plain": (
        "{path} holds more than weights: reading it would need “{what}”, which could run a program. Nothing of it was read or run. "
        "Ask whoever made it for the weights alone, best as a .safetensors file."
    ),
    "weights_program": (
        "{path} holds a whole program, not only weights, so it was not read. Save the weights alone where it was made, "
        "with torch.save(model.state_dict(), …)."
    ),
    "weights_protocol": (
        "{path} is written in pickle protocol {protocol}, and only protocol {wanted}, the usual one, can be read without running it. "
        "Save it again with torch.save, without the option pickle_protocol."
    ),
    "weights_cut_short": "{path} is cut short ({reason}). Download or copy it again.",
    "weights_unsupported": (
        "{path} is {what}, which this program does not read. Save the weights alone where it was made, with torch.save(model.state_dict(), …)."
    ),
    "weights_other_format": "{path} is {what}, and only weights of PyTorch and .safetensors files are read. {advice}",
    "weights_stored_as": (
        "The weights “{name}” in {path} are stored as {kind}, which cannot be used here. "
        "Convert them to ordinary float32 numbers where they were made."
    ),
    "weights_not_finite": "The weights “{name}” in {path} hold numbers that are infinite or no numbers at all, so they are of no use. Choose another file.",
    "weights_nothing_fits": (
        "Nothing in {origin} fits this network, so it must be of another one. The file has {found}; the network has {wanted}, "
        "of which {known} are in the file. Choose the network that the weights were made for."
    ),
    "weights_of_other": "{origin} holds weights of {network}, by their names and shapes, and not of the network that is chosen. Choose {network}.",
    "weights_other_shapes": (
        "The names in {origin} are this network's, but {count} of its {wanted_count} tensors have other shapes: {examples}. "
        "So they are of another form of it, such as a wider one. Choose the network that the weights were made for."
    ),
    "weights_tie": (
        "{path} holds several sets of weights that fit equally well, with other numbers: {parts}. "
        "Choose one as the “Part of the file” (on the command line: --start-part, or --part to adopt)."
    ),
    "weights_no_part": "In {path} there are no weights of this network under “{part}”. There are some under: {parts}.",
    "weights_part": "The weights are those under “{part}” in the file.",
    "weights_averaged": "The weights are those under “{part}” in the file, which are averaged over the training and mostly better than the last ones.",
    "weights_others": "The file holds more weights that fit, under: {parts}. Name one of them as the “Part of the file” to take it.",
    "weights_head_named": "The head is called “{found}” in the file and “{wanted}” here. It was taken, since it is the only one, and its shape is right.",
    "weights_in_order": (
        "Of the {count} names in the file, {named} are this network's, but all shapes agree, one after the other, so the weights were taken in that order. "
        "Two networks can have equal shapes and still compute something else: try this one on some pictures whose class you know."
    ),
    "weights_of_larger": "The file holds {network}, and only a part of it fits: {count} of its tensors have no place in this network.",
    "weights_left_over": "{count} tensors of the file have no place in this network ({names}): it may be of a larger one.",
    "weights_mostly_random": "{share} % of the network ({missing} of its {count} tensors, beside its head) starts from random weights: expect little until it is trained.",
    "head_replaced": "The weights know {found} classes and your pictures have {wanted}, so the head ({names}) starts from random weights and is learned anew.",
    "channels_summed": "The weights are for colour pictures: in {names} those of red, green and blue were added up for grey ones.",
    "channels_spread": "The weights are for grey pictures: in {names} they were shared out evenly to red, green and blue.",
    # A model that is made of weights.
    "weights_not_whole": (
        "{origin} does not hold all of {network}: {count} of its {total} tensors are not there or have another shape ({names}). "
        "Choose the network that the weights were made for."
    ),
    "weights_recognised": "{origin} holds weights of {known}, by their names and shapes, and not of {network} ({names}). Choose {known}.",
    "weights_without_place": (
        "{origin} holds {count} tensors of layers that {network} does not have ({names}), so they are of another network, and {network} would answer wrongly "
        "with the rest. Choose the network that the weights were made for."
    ),
    "head_of_one": "The head of {path} has one output ({name}: {shape}), and to tell classes apart it needs one for each. Choose another file.",
    "classes_in_file": "The file itself names its {count} classes: {names}.",
    "classes_otherwise": "The file itself names its classes otherwise, or in another order: {names}. The names that you gave are used.",
    "weights_channels": (
        "{path} is not for pictures: its first layer ({name}) has the shape {found} and takes {count} channels, where pictures have 3 (colour) or 1 (grey)."
    ),
    "weights_no_head": (
        "{path} has no head ({name} of {network} is missing), so it cannot tell classes apart as it is. "
        "Train one first, with these weights as the start (“From file”, or --start-from file)."
    ),
    "weights_no_answer": "{path} does not answer: for a picture the network gives numbers that are infinite or no numbers at all. Choose another file.",
    "classes_missing": "The head of {path} has {count} classes ({name}), and the file names them not at all, or in several ways. Name them in the order of the outputs: --classes a,b,… or a file.",
    "classes_count": "The head of {path} has {wanted} classes ({name}: {shape}), and {count} names were given ({names}).",
    "classes_read": "The classes are read from {path} ({how}): {names}. Number of classes: {count}.",
    "classes_unreadable": "No class names can be read from {path}: {reason}. Save them as a text in UTF-8 with one name on each line, in the order of the outputs.",
    "classes_one": "Class names are given as a,b,c, or as a file or a folder that is there, and “{text}” is none of these.",
    "class_nameless": "Of the {count} class names, number {number} is empty. Every class needs a name.",
    "class_name_long": "The class name number {number} has more than {most} characters. Give it a shorter one.",
    "class_named_twice": "The class names number {first} and {second} are both “{name}”. Every class needs a name of its own.",
    "prepared_as_said": "Pictures are prepared as you say: in {colour}, size {size}, middle share {share}, {interpolation}, mean {mean}, std {std}.",
    "prepared_model": "Pictures are prepared as the model has it: in {colour}, size {size}, middle share {share}, {interpolation}, mean {mean}, std {std}.",
    "prepared_shared": (
        "Pictures are prepared in {colour}, with size {size}, middle share {share}, {interpolation}, mean {mean}, std {std}, as the weights that are shared for this "
        "network need them. If these were trained otherwise, say so with {options}."
    ),
    "prepared_nothing": (
        "Pictures are prepared in {colour}, with size {size}, middle share {share}, {interpolation}, mean {mean}, std {std}. "
        "This is what is usual, and was not read from the file. If the weights were trained otherwise, say so with {options}."
    ),
    # What computes.
    "plan_trying": "Trying in which way this machine computes {network} fastest.",
    "plan_timed": "Computes in {precision}, {layout}, CPU threads: {threads}, the fastest of what was tried (in images/s): {tried}.",
    "plan_remembered": "Computes in {precision}, {layout}, CPU threads: {threads}, the fastest when this machine was tried (in images/s): {tried}.",
    "plan_set": "Computes in {precision}, {layout}, CPU threads: {threads}, as the settings say.",
    "plan_before": "Computes in {precision}, {layout}, CPU threads: {threads}, as the run began.",
    "batch_lowered": "Learns from {size} pictures at once instead of {usual}, for {free} GB of memory are free. Set the batch size to decide that yourself.",
    "memory_more": "The run has taken {peak} GB of memory, more than was expected. If the computer becomes slow, stop and choose a smaller batch size.",
    "device_missing": "The device “{device}” is not available on this machine. Choose “auto” or “cpu”.",
    "device_not_among": "The device “{device}” is not available on this machine, which has: {available}. Choose one of these, or “auto”.",
    "precision_missing": "The network cannot compute in {precision} here. Choose “auto” or “float32”.",
    # A run.
    "too_few_pictures": "Training needs at least 2 readable pictures of at least 2 classes, and found {count}.",
    "test_pictures_unreadable": "None of the {count} test pictures in {path} could be read, so there is no score.",
    "test_stopped": "The scoring was stopped: there is no score, and the test pictures do not count as used.",
    "split_unreadable": "The split file {path} cannot be read: {reason}.",
    "loss_not_finite": (
        "The loss became infinite or not a number at epoch {epoch}, step {step}, so the run was ended. "
        "What was saved before stands. Try a smaller learning rate."
    ),
    "out_of_memory": "The {device} ran out of memory. Choose a smaller batch size or image size.",
    "cannot_write": "{path} could not be written: {reason}. {advice}",
    "advice_space": "Free some space or choose another folder.",
    "advice_no_folder": "Make the folder first, or choose one that is there.",
    "advice_not_a_folder": "A part of this path is a file, not a folder. Choose another folder.",
    "advice_denied": "You are not allowed to write there. Choose another folder, or change the permissions.",
    "advice_read_only": "This drive can only be read. Choose a folder on another one.",
    "advice_is_folder": "There is a folder of this name. Give the name of a file.",
    "advice_name": "Choose a shorter or simpler name.",
    "advice_in_use": "Another program has it open. Close it there, or choose another name.",
    "advice_too_large": "This drive does not take files so large. Choose a folder on another one.",
    "advice_not_there": "The drive does not answer. Connect it again, or choose a folder on another one.",
    "advice_many_open": "Too many files are open. Close other programs, then try again.",
    "advice_convert": (
        "Look for the weights in PyTorch's form, or load them where they were made and save them with torch.save(model.state_dict(), …)."
    ),
    "advice_weights_alone": "Save the weights alone where it was made, with torch.save(model.state_dict(), …).",
    "advice_unpack": "Unpack it, then choose the file of weights in it.",
    "advice_other": "Choose another folder, or try again.",
    "output_is_input": "{path} is a picture or one of the files to read, so it is not written over. Give the result another name.",
    "output_lost": "What was to be printed could not be written: {reason}. {advice}",
    "stopped_after": "Stopped after {done} of {total} pictures.",
    "stopped_table": "Stopped after {done} of {total} pictures. The rows that were done are in {path}.",
    "stopped_early": "Stopped before there was a result. Nothing was written, and what was there before is untouched.",
    "stopped_at_once": "Stopped at once. What had not been saved is lost.",
    "skipped_more": "{count} more were skipped for the same reason. The last: {last}",
    "save_failed": "The model could not be saved to {path}: {reason}. The last saved model is untouched.",
    "run_in_use": "{path} is being written by another program (process {pid} on {host}). Wait until it ends, or stop it there.",
    "run_cannot_lock": "{path} could not be locked against other writers: {reason}.",
    "no_checkpoint": "{path} holds no checkpoint that can be read, so it cannot be gone on with. What else is there is untouched.",
    "checkpoint_newer": "{path} was written by resnet-gui {version} in format {format}. This is version {own}, which reads formats up to {known}. Update the program to go on.",
    "checkpoint_unreadable": "{path} cannot be read now: {reason}. Nothing was changed; try again in a moment.",
    "checkpoint_damaged": "The checkpoint {name} is damaged ({reason}), so the run goes on from an earlier one.",
    "checkpoint_failed": "The run could not be saved to {path}: {reason}. The last checkpoint stands; training goes on and tries again.",
    "stop_not_saved": "The run could not be saved to {path}: {reason}. The last checkpoint stands: what came after it is lost.",
    "disk_too_small": "{path} has {free} MB free, and this run needs about {needed} MB. Free some space or choose another runs folder.",
    "memory_tight": "This run needs about {needed} GB of memory, and {free} GB are free. If it ends early, choose a smaller batch size or image size.",
    "batch_in_parts": (
        "The graphics card ran out of memory, so each batch is learned from in parts of {size} pictures from here on. "
        "The result is no longer exactly that of the whole batch, since batch norm sees fewer pictures at once."
    ),
    "dataset_gone": "The folder {path} cannot be reached any more. The run is saved and waits; it goes on when the folder is back.",
    "dataset_missing": "The pictures of this run, in {path}, cannot be reached. Put the folder back, then resume.",
    "dataset_not_there": "The pictures of this run are not in {path}, neither by their names nor by their content. Choose the folder to which they were moved.",
    "dataset_moved": "The pictures are read from {path} from here on.",
    "dataset_back": "The folder {path} is back, and the run goes on.",
    "image_changed": "{path} has changed since this run began, so it is left out.",
    "not_exact_device": "The run was begun on {before} and goes on on {now}, so its last digits can differ from an undisturbed run's.",
    "not_exact_threads": "The run was begun with {before} CPU threads and goes on with {now}, so its last digits can differ from an undisturbed run's.",
    "not_exact_version": "The run was begun with {name} {before} and goes on with {now}, so its last digits can differ from an undisturbed run's.",
    "slow_precision": "Computes in {precision}, for which this processor has no instructions, so it is slow here.",
    "not_exact_card": "Graphics cards do not add in a fixed order, so the last digits can differ from an undisturbed run's.",
    "not_exact_data": "The run goes on with the {count} pictures that are as they were. Its result is not that of the undisturbed run.",
    "more_epochs": "The run now has {epochs} epochs, and the learning rate follows its schedule over all of them.",
    "epochs_too_few": "The run has learned for {done} epochs already, so it cannot have {epochs} in all.",
    "not_a_run": "{path} is not the folder of a run. Choose one that holds the files config.toml and events.jsonl.",
    "cannot_read_run": "{path} is not the folder of a run: {reason}.",
    "evaluate_what": "The model {path} does not lie in the folder of its run, so its test pictures are not known. Name a folder of labelled pictures after it.",
    "folder_one_split": "Only the pictures in the {split} folders of {path} are scored. To score all, add --split all.",
    "folder_no_split": "There are no pictures in a {split} folder in {path}.",
    "folder_left_out": "Pictures in {path} whose folder has the name of no class that the model knows: {count} (in {names}). They are left out.",
    "folder_classes_absent": "Classes that the model knows and that have no pictures in {path}: {count} ({names}).",
    "folder_no_match": "No picture in {path} lies in a folder with the name of a class that the model knows. It knows: {names}.",
    "folder_unreadable_pictures": "None of the {count} pictures in {path} could be read, so there is no score.",
    "folder_stopped": "The scoring was stopped, so there is no score.",
    "test_split_empty": "This run has no test pictures, so there is nothing to score.",
    # A model file.
    "model_missing": "There is no model file {path}.",
    "model_unreadable": "{path} cannot be read: {reason}.",
    "model_not_one": "{path} is not a model made by this program: {reason}.",
    "model_of_weights": (
        "{path} is not a model made by this program. If it holds the trained weights of a network, a model can be made from it."
    ),
    "model_newer": "{path} was made by resnet-gui {version} in format {format}. This is version {own}, which reads formats up to {known}. Update the program to open it.",
    "model_field": "{path} cannot be used as a model: in its description “{field}” is {value}, and must be {wanted}. Ask whoever made it for a right one.",
    "model_tensors": "{path} cannot be used as a model: {count} of its tensors are not those of {network} with its classes. {first}. Ask whoever made it for a right one.",
    "model_not_finite": "{path} cannot be used as a model: its weights “{name}” hold numbers that are infinite or no numbers at all. Choose another file, or train it anew.",
    "answer_not_finite": "The model gives no number for {path}: computed in {precision}, its answer is infinite or no number at all. Choose another model or precision.",
    "score_not_finite": "The model gives no numbers for some of the pictures, so there is no score: its weights are too large, or damaged. Choose another model.",
    "model_too_large": "{path} needs about {needed} GB of memory to be opened, and {free} GB are free. Close other programs, then try again.",
    "nothing_to_predict": "There are no pictures in {path}.",
    # The engine.
    "engine_died": "The engine stopped unexpectedly ({how}). Everything saved so far is kept, and a new engine is started.",
    "engine_cannot_start": "The engine could not be started ({how}). What it said is in {log}.",
    "engine_request": "The engine could not understand a request: {reason}.",
    "internal_error": "Something went wrong inside the program: {error}. The details are in the log.",
    # The window.
    "no_display": (
        "There is no display to show the window on. Start it from a desktop session, "
        "or work without a window: resnet-gui train --help."
    ),
    "display_refused": (
        "The display {display} does not answer. Start the program from a desktop session, "
        "or work without a window: resnet-gui train --help."
    ),
    "library_missing": (
        "The system library {library} is missing, without which no window can be shown. "
        "On Debian and Ubuntu install it with: sudo apt-get install {packages}"
    ),
}
