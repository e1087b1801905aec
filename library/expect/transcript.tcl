# transcript.tcl --
#
#	The command transcript: what an endpoint has sent and received, as text
#	or JSON.  The ladder diagram is in ladder.tcl, the capture file in
#	pcapng.tcl; all of them read the same list of events:
#
#	    endpoint table     event log
#	          \               /
#	          gather: {events about}      about: dict id -> what is known
#	     /        |        |        \
#	   text     json      svg     pcapng
#
#	The four writers are functions of that pair alone, and the first three
#	never see a secret: gather leaves the key log out unless asked for it.

namespace eval ::pyossl::expect::transcript {
    # What is told about an endpoint, besides its id.
    variable aboutKeys {
	kind host port local peer protocol cipher group servername alpn resumed
	state command listener
    }
}

::pyossl::expect::Load quote.tcl

# transcript ?-i id? ?-format text|json|svg|pcapng? ?-records bool? ?-file path? --
#	What went over the wire, in order.
# Arguments:
#	-i	an id or a list of ids; two ends of one conversation become one.
#		Default: the caller's spawn_id, or all endpoints where there
#		is none.
#	-format	text (the default), json, svg (a ladder diagram) or pcapng (a
#		capture file in which the TLS secrets stand, for Wireshark).
#	-records	show each record in the text too; by default only those of
#		raw endpoints.
#	-file	write it into that file instead.
# Results:
#	The transcript: characters, or bytes for pcapng; with -file the path.
# Errors:
#	PYOSSL EXPECT NOENDPOINT for an id that there is not, PYOSSL EXPECT VALUE
#	for an unknown format, PYOSSL EXPECT KIND conn for a pcapng of nothing
#	but connections made by hand.
proc ::pyossl::expect::transcript {args} {
    set ids [transcript::defaultIds [uplevel 1 {
	expr {[info exists spawn_id] ? $spawn_id : [info exists ::spawn_id]
		? $::spawn_id : {}}
    }]]
    set options [dict create -i $ids -format text -records "" -file ""]
    if {[llength $args] % 2} {
	return -code error -errorcode {TCL WRONGARGS} "wrong # args: should be\
		\"transcript ?-i id? ?-format format? ?-records bool? ?-file path?\""
    }
    foreach {name value} $args {
	if {![dict exists $options $name]} {
	    return -code error -errorcode [list TCL LOOKUP INDEX option $name] \
		    "bad option \"$name\": must be -i, -format, -records or -file"
	}
	dict set options $name $value
    }
    set format [dict get $options -format]
    if {$format ni {text json svg pcapng}} {
	return -code error -errorcode {PYOSSL EXPECT VALUE} \
		"bad format \"$format\": must be text, json, svg or pcapng"
    }
    set records [dict get $options -records]
    if {$records ne "" && ![string is boolean -strict $records]} {
	return -code error -errorcode {PYOSSL EXPECT VALUE} \
		"-records wants a boolean, not \"$records\""
    }
    if {![llength [dict get $options -i]]} {
	return -code error -errorcode {PYOSSL EXPECT NOENDPOINT {}} \
		"there is no endpoint: spawn one, or give -i"
    }
    set result [transcript::make $format [dict get $options -i] $records]
    if {[dict get $options -file] eq ""} {
	return $result
    }
    transcript::write [dict get $options -file] $format $result
    return [dict get $options -file]
}

# The caller's spawn_id, or all there is if the caller has none.
proc ::pyossl::expect::transcript::defaultIds {spawnId} {
    if {[llength $spawnId]} {
	return $spawnId
    }
    return [::pyossl::expect::endpoint::known]
}

# transcript::make format ids ?records? --
#	The transcript of these endpoints.
proc ::pyossl::expect::transcript::make {format ids {records ""}} {
    lassign [gather $ids [expr {$format eq "pcapng"}]] events about
    switch -- $format {
	text {
	    return [text $events $about $records]
	}
	json {
	    return [json $events $about]
	}
	svg {
	    ::pyossl::expect::Load ladder.tcl
	    return [::pyossl::expect::ladder::svg $events $about]
	}
	pcapng {
	    if {[lsearch -not -exact [lmap known [dict values $about] {
		get $known kind
	    }] conn] < 0} {
		return -code error -level 2 -errorcode {PYOSSL EXPECT KIND conn} \
			"there is no capture of [join $ids {, }]: of a connection\
			made by hand only the heads of records are known"
	    }
	    ::pyossl::expect::Load ladder.tcl
	    ::pyossl::expect::Load pcapng.tcl
	    return [::pyossl::expect::pcapng::capture $events $about]
	}
    }
}

# Writes a transcript to a file that only its owner reads if there are secrets
# in it.
proc ::pyossl::expect::transcript::write {path format result} {
    set permissions [expr {$format eq "pcapng" ? 0o600 : 0o666}]
    set channel [open $path {WRONLY CREAT TRUNC} $permissions]
    try {
	if {$format eq "pcapng"} {
	    fconfigure $channel -translation binary
	} else {
	    fconfigure $channel -encoding utf-8 -translation lf
	}
	puts -nonewline $channel $result
    } finally {
	close $channel
    }
}

# transcript::gather ids ?secrets? --
#	{events about}: the events of these endpoints in the order in which they
#	happened, and what is known of each endpoint.
proc ::pyossl::expect::transcript::gather {ids {secrets 0}} {
    set about {}
    foreach id $ids {
	dict set about $id [about $id]
    }
    # Where clocks began at different times, that of the first one counts.
    set zeros [lmap known [dict values $about] {
	if {![dict exists $known started]} continue
	dict get $known started
    }]
    if {[llength $zeros]} {
	set zero [tcl::mathfunc::min {*}$zeros]
	dict for {id known} $about {
	    if {[dict exists $known started]} {
		dict set about $id zero $zero
	    }
	}
    }
    set events [lmap event [::pyossl::expect::event::all $ids] {
	if {!$secrets && [dict get $event kind] eq "secret"} {
	    continue
	}
	set event
    }]
    return [list $events $about]
}

# What is known of an endpoint.  "started" is when its clock began; those of a
# pair count steps instead, and each is the other's peer.
proc ::pyossl::expect::transcript::about {id} {
    variable aboutKeys
    set facts [::pyossl::expect::endpoint $id]
    set known {}
    foreach key $aboutKeys {
	if {[get $facts $key] ne ""} {
	    dict set known $key [dict get $facts $key]
	}
    }
    if {[::pyossl::expect::endpoint::get $id steps ""] ne ""} {
	dict set known peer [::pyossl::expect::endpoint::get $id other]
	dict unset known host
    } else {
	dict set known started [::pyossl::expect::endpoint::get $id start 0]
    }
    return $known
}

#------------------------------------------------------------------------
# One event in words, for the text, the ladder and the live lines
#------------------------------------------------------------------------

# transcript::describe event --
#	{label detail class}: what it is, the rest of what is to say, and for
#	colours one of handshake, alert, ccs, data, record, state, closed, error.
proc ::pyossl::expect::transcript::describe {event} {
    set kind [dict get $event kind]
    switch -- $kind {
	message {
	    return [list [get $event name] [messageDetail $event] handshake]
	}
	alert {
	    return [list "alert [get $event level] [get $event description]" \
		    "" alert]
	}
	ccs {
	    return [list ChangeCipherSpec "" ccs]
	}
	record {
	    return [list "record [get $event type]" \
		    [join [concat [versionName [get $event version]] \
		    [list "[get $event length] bytes"] [oddLength $event]] ", "] record]
	}
	data {
	    set bytes [get $event bytes]
	    return [list data "[string length $bytes] bytes\
		    \"[::pyossl::expect::quote::printable $bytes 60]\"" data]
	}
	bytes {
	    set bytes [get $event bytes]
	    return [list bytes "[string length $bytes] bytes\
		    \"[::pyossl::expect::quote::printable $bytes 60]\"" record]
	}
	established {
	    return [list established [join [concat [versionName [get $event protocol]] \
		    [get $event cipher]]] state]
	}
	closed {
	    return [list "closed [get $event how]" "" closed]
	}
	error {
	    return [list error [oneLine [get $event message]] error]
	}
	exit {
	    return [list exit "status [get $event status]" closed]
	}
	default {
	    set rest [dict remove $event seq time id kind from line]
	    return [list $kind [oneLine [join [lmap {key value} $rest {
		string cat $key = [::pyossl::expect::quote::printable $value 60]
	    }]]] state]
	}
    }
}

proc ::pyossl::expect::transcript::get {event key} {
    return [expr {[dict exists $event $key] ? [dict get $event $key] : ""}]
}

proc ::pyossl::expect::transcript::oneLine {text} {
    return [string trim [regsub -all {\s+} $text " "]]
}

# A record whose header does not tell the truth.
proc ::pyossl::expect::transcript::oddLength {event} {
    if {![dict exists $event fragment]} {
	return {}
    }
    set real [string length [dict get $event fragment]]
    if {$real == [get $event length]} {
	return {}
    }
    return [list "$real follow"]
}

# transcript::versionName version --
#	A protocol version for people; a list of one word or none.
proc ::pyossl::expect::transcript::versionName {version} {
    if {![string is integer -strict $version]} {
	return [expr {$version eq "" ? {} : [list $version]}]
    }
    set names {0x300 SSLv3 0x301 TLSv1.0 0x302 TLSv1.1 0x303 TLSv1.2 0x304 TLSv1.3}
    set hex [format 0x%x $version]
    return [list [expr {[dict exists $names $hex] ? [dict get $names $hex] : $hex}]]
}

# What is worth saying of a message: the facts people look for first.
proc ::pyossl::expect::transcript::messageDetail {event} {
    set raw [get $event raw]
    set detail [list "[string length $raw] bytes"]
    # A message that does not decode has its place in a transcript all the
    # same; what is wrong with it is not the transcript's business.
    if {[catch {::pyossl::expect::decode $raw} message]
	    || [catch {facts [get $event name] $message} facts]} {
	return [join $detail ", "]
    }
    return [join [concat $detail $facts] ", "]
}

# transcript::facts name message --
#	Words about a decoded message.
proc ::pyossl::expect::transcript::facts {name message} {
    set facts {}
    switch -- $name {
	ClientHello {
	    foreach value [serverNames $message] {
		lappend facts "name $value"
	    }
	}
	ServerHello - HelloRetryRequest {
	    if {[dict exists $message cipher_suite]} {
		lappend facts [dict get $message cipher_suite]
	    }
	}
    }
    return $facts
}

# The names of a server_name extension in a decoded ClientHello, as far as they
# can be found.
proc ::pyossl::expect::transcript::serverNames {message} {
    set found {}
    foreach extension [get $message extensions] {
	if {[get $extension extension_type] ne "server_name"} {
	    continue
	}
	foreach entry [get $extension server_name_list] {
	    lappend found [::pyossl::expect::quote::printable [get $entry name] 255]
	}
    }
    return $found
}

#------------------------------------------------------------------------
# Text
#------------------------------------------------------------------------

# transcript::text events about ?records? --
#	A line an event: the time in seconds (in a pair, the step), the id if there
#	are several, the direction seen from the endpoint, what it is.
proc ::pyossl::expect::transcript::text {events about {records ""}} {
    set lines {}
    dict for {id known} $about {
	lappend lines "# [title $id $known]"
    }
    if {$records eq ""} {
	set events [once $events]
    }
    foreach event $events {
	set line [line $event $about $records]
	if {$line ne ""} {
	    lappend lines $line
	}
    }
    return [join $lines \n]\n
}

# transcript::title id known --
#	An endpoint in a few words.
proc ::pyossl::expect::transcript::title {id known} {
    set words [list $id [get $known kind]]
    if {[dict exists $known command]} {
	lappend words [dict get $known command]
    }
    if {[dict exists $known host] || [dict exists $known port]} {
	lappend words [get $known host]:[get $known port]
    }
    foreach key {protocol cipher} {
	if {[dict exists $known $key]} {
	    lappend words [dict get $known $key]
	}
    }
    return [oneLine [join $words]]
}

# transcript::line event about ?records? --
#	One event as a line of text, or "" if it is not shown.
proc ::pyossl::expect::transcript::line {event about {records ""}} {
    set id [get $event id]
    set kind [expr {[dict exists $about $id kind] ? [dict get $about $id kind] : ""}]
    set event [shown $event $kind $records]
    if {$event eq ""} {
	return ""
    }
    lassign [describe $event] label detail
    set arrow [dict get {self -> peer <- "" --} [get $event from]]
    set who [expr {[dict size $about] > 1 ? [format "%-8s " $id] : ""}]
    return [string trimright [format "%10s  %s%s %-19s  %s" [clock $event $about] \
	    $who $arrow $label $detail]]
}

# transcript::shown event endpointKind ?records? --
#	The event as it is shown to people, or "" if it is not: never a secret,
#	and records only where they are wanted or all there is.
proc ::pyossl::expect::transcript::shown {event endpointKind {records ""}} {
    switch -- [dict get $event kind] {
	secret {
	    return ""
	}
	record {
	    if {![expr {$records ne "" ? $records
		    : [string match *raw* $endpointKind]}]} {
		return ""
	    }
	}
    }
    return $event
}

# transcript::once events --
#	The events without those records of which the next event tells what was in
#	them.
proc ::pyossl::expect::transcript::once {events} {
    set next {}		;# id -> {kind from} of the event after this one
    set result {}
    foreach event [lreverse $events] {
	set id [dict get $event id]
	set kind [dict get $event kind]
	set from [get $event from]
	# What a record of this type holds, unless it is encrypted.
	set inside [expr {$kind eq "record" ? [get {handshake message alert alert
	    application_data data change_cipher_spec ccs} [get $event type]] : ""}]
	if {$inside eq "" || [get $next $id] ne [list $inside $from]} {
	    lappend result $event
	}
	dict set next $id [list $kind $from]
    }
    return [lreverse $result]
}

# transcript::clock event about --
#	The time of an event: seconds with six digits since the first of the
#	endpoints was spawned, or the number of the step for one that has no
#	clock.
proc ::pyossl::expect::transcript::clock {event about} {
    set time [get $event time]
    if {![string is entier -strict $time]} {
	return ""
    }
    if {![dict exists $about [dict get $event id] started]} {
	return $time
    }
    set known [dict get $about [dict get $event id]]
    if {[dict exists $known zero]} {
	incr time [expr {[dict get $known started] - [dict get $known zero]}]
    }
    return [format %d.%06d [expr {$time / 1000000}] [expr {$time % 1000000}]]
}

# transcript::tail ids count --
#	The last lines of a transcript, for the report of a failed check.
proc ::pyossl::expect::transcript::tail {ids count} {
    lassign [gather $ids] events about
    set lines {}
    foreach event [once $events] {
	set line [line $event $about]
	if {$line ne ""} {
	    lappend lines $line
	}
    }
    if {[llength $lines] > $count} {
	set left [expr {[llength $lines] - $count}]
	set lines [linsert [lrange $lines end-[expr {$count - 1}] end] 0 \
		"           ($left earlier lines)"]
    }
    return $lines
}

#------------------------------------------------------------------------
# JSON
#------------------------------------------------------------------------

# transcript::json events about --
#	{"endpoints": [...], "events": [...]}.  Bytes are hexadecimal digits;
#	plaintext has a "text" besides, printable.  There are no secrets in it.
proc ::pyossl::expect::transcript::json {events about} {
    set endpoints {}
    dict for {id known} $about {
	set members [dict create id [::pyossl::expect::json::string $id]]
	dict for {key value} [dict remove $known zero] {
	    dict set members $key [jsonValue $key $value]
	}
	lappend endpoints [::pyossl::expect::json::object $members]
    }
    set list {}
    foreach event $events {
	if {[get $event kind] eq "secret"} {
	    continue
	}
	set members {}
	dict for {key value} $event {
	    dict set members $key [jsonValue $key $value]
	}
	if {[get $event kind] eq "data"} {
	    dict set members text [::pyossl::expect::json::string \
		    [::pyossl::expect::quote::printable [get $event bytes]]]
	}
	lappend list [::pyossl::expect::json::object $members]
    }
    return "\{\"endpoints\":\[\n[join $endpoints ,\n]\],\n\"events\":\[\n[join \
	    $list ,\n]\]\}\n"
}

# Which keys hold bytes or numbers is known; all others hold text.
proc ::pyossl::expect::transcript::jsonValue {key value} {
    switch -- $key {
	raw - fragment - bytes {
	    return [::pyossl::expect::json::bytes $value]
	}
	seq - time - length - number - status - port - started {
	    if {[string is entier -strict $value]} {
		return [::pyossl::expect::json::number $value]
	    }
	}
    }
    return [::pyossl::expect::json::string $value]
}
