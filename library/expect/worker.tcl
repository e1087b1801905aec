# worker.tcl --
#
#	The script of a process that holds conversations for another one, see
#	conversation::Share. Lines come in by the standard input: one with the
#	auto_path, the settings and files to load, then a name each. A line with
#	the result goes out for each name.

fconfigure stdin -encoding utf-8
apply {{} {
    set line [encoding convertfrom utf-8 [binary decode base64 [gets stdin]]]
    lassign $line ::auto_path settings files
    package require pyossl::expect
    ::pyossl::expect::log_user 0
    ::pyossl::expect::Load conversation.tcl
    ::pyossl::expect::conversation::Work $settings $files
}}
