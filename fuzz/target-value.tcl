# target-value.tcl --
#
#	Targets for values that scripts give: extensions, names and times.

# What an extension is made of: a type, how it is given, and the value.  The
# last type is itself taken from the input.
proc fuzz::extension {bytes} {
    set type [pick {
	basicConstraints keyUsage extendedKeyUsage subjectAltName issuerAltName
	subjectKeyIdentifier authorityKeyIdentifier nameConstraints
	certificatePolicies policyConstraints policyMappings inhibitAnyPolicy
	crlDistributionPoints issuingDistributionPoint authorityInfoAccess
	subjectInfoAccess nsComment nsCertType tlsfeature noCheck proxyCertInfo
	sbgp-ipAddrBlock sbgp-autonomousSysNum crlNumber CRLReason
	invalidityDate 1.2.3.4 ""
    }]
    set form [byte]
    if {$type eq ""} {
	set type [take [number 20]]
    }
    set value [rest]
    if {$form & 1} {
	set value [text $value]
    }
    if {$form & 2} {
	# Bytes of an extension, in a certificate and out of it again.
	set value DER:[binary encode hex $value]
    }
    set key [key]
    set cert [selfsigned $key]
    set options {}
    if {$form & 4} {
	lappend options -subject $cert
    }
    if {$form & 8} {
	lappend options -issuer $cert
    }
    set extension [ours "ext new $type" {
	pyossl::x509ext new $type [expr {$form >> 4 & 1}] $value {*}$options
    }]
    if {$extension ne ""} {
	ours "x509 add" {$cert add_extensions [list $extension]}
	ours "x509 text" {pyossl::dump_certificate TEXT $cert}
	set last [expr {[$cert get_extension_count] - 1}]
	useExtension [ours "x509 get_extension" {$cert get_extension $last}]
	useExtension $extension
    }
}

# A sequence of steps on two names, one of which is inside a certificate.
proc fuzz::name {bytes} {
    set cert [pyossl::x509 new]
    set view [$cert get_subject]
    set name [pyossl::x509name new $view]
    set attributes {
	C ST L O OU CN emailAddress commonName serialNumber 2.5.4.3 DC UID
	x500UniqueIdentifier 1.2.3 pseudonym dnQualifier
    }
    for {set i 0} {$i < 40 && [more]} {incr i} {
	set step [byte]
	set one [expr {$step & 1 ? $view : $name}]
	set other [expr {$step & 2 ? $view : $name}]
	switch -- [expr {$step >> 2 & 7}] {
	    0 - 1 - 2 - 3 {
		set attribute [pick $attributes]
		set value [take [number 80]]
		if {$step & 128} {
		    set value [text $value]
		}
		ours "name set $attribute" {$one set $attribute $value}
		ours "name get $attribute" {$one get $attribute}
	    }
	    4 {
		set attribute [take [number 12]]
		ours "name get" {$one get $attribute}
		ours "name set" {$one set $attribute x}
	    }
	    5 {
		ours "name compare" {$one compare $other}
		ours "x509 set_subject" {$cert set_subject $other}
		ours "x509 set_issuer" {$cert set_issuer $one}
	    }
	    6 {
		set length [llength [ours "name components" {$one get_components}]]
		mark "name of $length"
		ours "name oneline" {$one oneline}
		ours "name der" {$one der}
		ours "name hash" {$one hash}
	    }
	    7 {
		# By way of a certificate's bytes.
		set copy [ours "name dup" {$other dup}]
		if {$copy ne ""} {
		    if {[$copy compare $other] != 0} {
			return -code error "a copy of a name is not the same"
		    }
		    useName $copy
		}
	    }
	}
    }
    useName $view
    useName $name
}

# der tag part ... -- a value in DER around the parts.
proc fuzz::der {tag args} {
    set body [join $args ""]
    set length [string length $body]
    if {$length < 128} {
	return [binary format cc $tag $length]$body
    } elseif {$length < 256} {
	return [binary format ccc $tag 0x81 $length]$body
    }
    return [binary format ccS $tag 0x82 $length]$body
}

# A certificate whose two times are these, in DER.
proc fuzz::timed {from to} {
    set key [key]
    set cert [selfsigned $key]
    set bytes [pyossl::dump_certificate ASN1 $cert]
    $cert destroy
    $key destroy
    set old [der 0x30 [der 0x17 200101000000Z] [der 0x18 99991231235959Z]]
    set at [string first $old $bytes]
    # The two lengths around it are those of the certificate and its inside.
    set inside [string range $bytes 7 $at-1][der 0x30 $from $to][string range \
	    $bytes $at+[string length $old] end-[string length [signature]]]
    return [der 0x30 [der 0x30 $inside] [signature]]
}

# What follows in a certificate of the Ed25519 key: its algorithm, 64 bytes.
proc fuzz::signature {} {
    return [binary decode hex 300506032b6570034100][string repeat s 64]
}

proc fuzz::time {bytes} {
    set kind [byte]
    set value [rest]
    switch -- [expr {$kind & 7}] {
	0 {
	    set cert [pyossl::x509 new]
	    ours "x509 set_notBefore" {$cert set_notBefore $value}
	    ours "x509 get_notBefore" {$cert get_notBefore}
	}
	1 {
	    set cert [pyossl::x509 new]
	    ours "x509 set_notAfter" {$cert set_notAfter $value}
	    set first [ours "x509 get_notAfter" {$cert get_notAfter}]
	    ours "x509 has_expired" {$cert has_expired}
	    if {$first ne ""} {
		$cert set_notAfter $first
		if {[$cert get_notAfter] ne $first} {
		    return -code error "$first became [$cert get_notAfter]"
		}
	    }
	}
	2 {
	    set revoked [pyossl::revoked new]
	    ours "revoked set_rev_date" {$revoked set_rev_date $value}
	    ours "revoked get_rev_date" {$revoked get_rev_date}
	}
	3 {
	    set cert [pyossl::x509 new]
	    ours "x509 adj_notBefore" {$cert gmtime_adj_notBefore $value}
	    ours "x509 adj_notAfter" {$cert gmtime_adj_notAfter $value}
	    ours "x509 get_notAfter" {$cert get_notAfter}
	    ours "x509 has_expired" {$cert has_expired}
	}
	default {
	    set tag [expr {$kind & 8 ? 0x17 : 0x18}]
	    if {$kind & 16} {
		set tag [expr {$kind >> 5}]
	    }
	    set good [der 0x17 200101000000Z]
	    set times [list [der $tag $value] $good]
	    if {$kind & 1} {
		set times [lreverse $times]
	    }
	    set cert [ours "time in x509" {
		pyossl::load_certificate ASN1 [timed {*}$times]
	    }]
	    if {$cert ne ""} {
		ours "x509 get_notBefore" {$cert get_notBefore}
		ours "x509 get_notAfter" {$cert get_notAfter}
		ours "x509 has_expired" {$cert has_expired}
		ours "x509 text" {pyossl::dump_certificate TEXT $cert}
		ours "x509 adj_notAfter" {$cert gmtime_adj_notAfter 1}
	    }
	}
    }
}
